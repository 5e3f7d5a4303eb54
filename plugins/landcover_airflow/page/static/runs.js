// The newest runs, each with a link to its tiles.
const told = document.getElementById("told");

function cell(row, text) {
  row.insertCell().textContent = text ?? "";
}

async function show() {
  const answer = await fetch("api/runs");
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail ?? answer.statusText);
  for (const run of found) {
    const row = document.getElementById("runs").insertRow();
    const link = document.createElement("a");
    link.href = `run?${new URLSearchParams({ dag_id: run.dag, run_id: run.dag_run })}`;
    link.textContent = run.run;
    row.insertCell().append(link);
    cell(row, run.dag);
    const state = row.insertCell();
    state.textContent = run.state;
    state.className = `state ${run.state}`;
    cell(row, run.started);
    cell(row, run.ended);
  }
  if (!found.length) throw new Error("No run of these DAGs is in the records yet.");
}

show().catch((error) => {
  told.textContent = error.message;
  told.hidden = false;
});
