// The button of a cause: Airflow is asked to clear exactly the lanes of its units and what follows.
const BATCH_NOTE = 900;

async function ask(path, options) {
  const answer = await fetch(path, options);
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  const detail = typeof found.detail === "string" ? found.detail : JSON.stringify(found.detail ?? answer.statusText);
  throw new Error(answer.status === 403 ? `You may not clear tasks of this DAG (${detail}).` : detail);
}

function clear(run, taskIds, note, dryRun) {
  const body = {
    dry_run: dryRun, dag_run_id: run.dagRun, task_ids: taskIds, only_failed: false, include_downstream: false,
    include_upstream: false, prevent_running_task: true, reset_dag_runs: true,
    ...(dryRun ? {} : { note: note.slice(0, BATCH_NOTE) }),
  };
  return ask(`../api/v2/dags/${encodeURIComponent(run.dag)}/clearTaskInstances`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
}

function confirmed(title, text) {
  const dialog = document.getElementById("asking");
  document.getElementById("asking-title").textContent = title;
  document.getElementById("asking-text").textContent = text;
  const answer = new Promise((resolve) => {
    document.getElementById("asking-yes").onclick = () => dialog.close("yes");
    document.getElementById("asking-no").onclick = () => dialog.close("no");
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
  dialog.returnValue = "no";
  dialog.showModal();
  return answer;
}

// Retries the units of a cause; gives the sentence that tells what became of it.
export async function retry(run, cause, text) {
  const found = await ask(`${run.api}/repair?${new URLSearchParams({ cause })}`);
  if (!found.task_ids.length) return "No unit has this cause any more.";
  const expected = await clear(run, found.task_ids, "", true);
  const n = found.labels.length;
  const units = n === 1 ? "1 unit" : `${n} units`;
  const asked = `${expected.total_entries} task instances are cleared: those of ${units} (${found.labels.slice(0, 8).join(", ")}${n > 8 ? ", …" : ""}) and what follows them. Lanes of other tiles stay, but for maps where the model is trained anew.`;
  if (!(await confirmed(`Retry ${units}?`, asked))) return "";
  const cleared = await clear(run, found.task_ids, `Retried from the page of tiles: ${text}`, false);
  return `${cleared.total_entries} task instances are cleared; Airflow begins them when its pools have room.`;
}
