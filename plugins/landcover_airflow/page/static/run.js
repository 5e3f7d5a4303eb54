// The page of one run: asks for what changed, and shows it.
import { added, showDetail } from "./detail.js";
import { STATES, SIGNS, byRow, colour, drawMap, fillRow } from "./tiles.js";
import { retry } from "./repair.js";

const EVERY = 5000;
const MOST_LABELS = 12;
const given = new URLSearchParams(location.search);
const run = { dag: given.get("dag_id") ?? "", dagRun: given.get("run_id") ?? "" };
run.api = `api/dags/${encodeURIComponent(run.dag)}/runs/${encodeURIComponent(run.dagRun)}`;
const at = (id) => document.getElementById(id);
const units = new Map();
const sentences = {};
const lines = new Map();
let roster, shapes, rows, record = {}, cursor = "", chosen = given.get("tile") ?? "", waiting = false;

function tell(text, isBad = false) {
  at("told").textContent = text;
  at("told").hidden = !text;
  at("told").classList.toggle("bad", isBad);
}

async function load(path) {
  const answer = await fetch(`${run.api}/${path}`);
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.detail ?? `${answer.status} ${answer.statusText}`);
  return found;
}

function keyed(unit) {
  return `${unit.stage}/${unit.unit}`;
}

function showHead() {
  at("title").textContent = `${roster.recipe}, ${roster.year}: ${roster.tiles.length === 1 ? "1 tile" : `${roster.tiles.length} tiles`}`;
  const counts = {};
  for (const unit of units.values()) counts[unit.state] = (counts[unit.state] ?? 0) + 1;
  const told = STATES.filter((state) => counts[state]).map((state) => `${counts[state]} ${state}`).join(", ");
  const ended = record.ended ? `, ended ${record.ended}` : "";
  at("summary").textContent =
    `Run ${roster.run}${roster.simulated ? " (simulated data)" : ""}: ${record.state}, started ${record.started}${ended}. Units: ${told || "none planned yet"}.`;
  at("estimate").textContent = record.estimate?.text ?? "";
  at("estimate").hidden = !record.estimate;
  at("to-map").href = `map?${new URLSearchParams({ dag_id: run.dag, run_id: run.dagRun })}`;
  at("to-map").hidden = ![...units.values()].some((unit) => unit.stage === "publish" && ["done", "reused"].includes(unit.state));
  const outcome = record.outcome;
  const parts = [
    ...(outcome?.reasons ?? []),
    ...(outcome?.missing_tiles?.length ? [`Missing: ${outcome.missing_tiles.join(", ")}.`] : []),
    ...(outcome?.degraded ?? []).map((season) => `Degraded: ${season}.`),
  ];
  at("outcome").textContent = parts.join(" ");
  at("outcome").hidden = !parts.length;
  at("outcome").classList.toggle("bad", record.state === "failed");
}

function showCauses() {
  const causes = new Map();
  for (const unit of units.values()) {
    if (unit.cause) causes.set(unit.cause, [...(causes.get(unit.cause) ?? []), unit]);
  }
  const sorted = [...causes].sort((one, other) => other[1].length - one[1].length);
  const signature = JSON.stringify([record.state, sorted.map(([cause, found]) => [cause, found.map(keyed)])]);
  if (at("causes").dataset.signature === signature) return;
  at("causes").dataset.signature = signature;
  at("causes").replaceChildren();
  for (const [cause, found] of sorted) {
    const item = added(at("causes"), "li");
    added(item, "p", `${found.length === 1 ? "1 unit" : `${found.length} units`}: ${sentences[cause]}`);
    const named = found.slice(0, MOST_LABELS).map((unit) => unit.label).join(", ");
    added(item, "p", found.length > MOST_LABELS ? `${named} and ${found.length - MOST_LABELS} more` : named, "labels quiet");
    const button = added(item, "button", found.length === 1 ? "Retry it" : `Retry these ${found.length}`);
    button.dataset.cause = cause;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        tell(await retry(run, cause, sentences[cause]));
        await look();
      } catch (error) {
        tell(error.message, true);
      }
      button.disabled = false;
    });
  }
  if (!sorted.length) added(at("causes"), "li", "No unit is lost.", "quiet");
}

function showMap() {
  const stage = at("stage").value;
  const counts = colour(shapes, rows, stage, chosen);
  at("keys").replaceChildren();
  for (const state of STATES.filter((one) => counts[one])) {
    const key = added(at("keys"), "span", "", "key");
    added(key, "i", "", state);
    added(key, "span", `${SIGNS[state]} ${state}: ${counts[state]}`);
  }
}

function showTable() {
  const [search, state] = [at("search").value.trim().toUpperCase(), at("state").value];
  let shown = 0;
  for (const name of new Set([...roster.tiles.map((tile) => tile.tile), ...rows.keys()])) {
    let line = lines.get(name);
    if (!line) {
      line = at("rows").insertRow();
      lines.set(name, line);
    }
    fillRow(line, name, rows.get(name), roster.stages, choose);
    const states = [...(rows.get(name)?.values() ?? [])].flat().map((unit) => unit.state);
    line.hidden = !(name.toUpperCase().includes(search) && (!state || (states.length ? states : ["planned"]).includes(state)));
    shown += line.hidden ? 0 : 1;
  }
  at("shown").textContent = `${shown} of ${lines.size} rows`;
}

function showChosen() {
  if (chosen) showDetail(run, at("detail"), chosen, rows.get(chosen), roster, load);
}

function choose(name) {
  chosen = name;
  showMap();
  showChosen();
}

async function look() {
  const found = await load(`changes?${new URLSearchParams({ since: cursor })}`);
  let isNew = !rows;
  for (const unit of found.units) {
    const before = units.get(keyed(unit));
    if (JSON.stringify(before) !== JSON.stringify(unit)) isNew = true;
    units.set(keyed(unit), unit);
  }
  Object.assign(sentences, found.causes);
  cursor = found.cursor;
  isNew ||= record.state !== found.state || record.ended !== found.ended;
  record = found;
  if (!isNew) return;
  rows = byRow(units.values());
  showHead();
  showCauses();
  showMap();
  showTable();
  showChosen();
}

async function lookAgain() {
  // A hidden page asks nothing, and a slow answer is not asked for twice.
  if (waiting || document.hidden) return;
  waiting = true;
  try {
    await look();
    if (at("told").dataset.away) tell("");
    delete at("told").dataset.away;
  } catch (error) {
    tell(error.message, true);
    at("told").dataset.away = "yes";
  }
  waiting = false;
}

async function begin() {
  roster = await load("roster");
  shapes = drawMap(at("map"), roster.tiles, choose);
  at("stage").append(new Option("all", ""), ...roster.stages.map((stage) => new Option(stage, stage)));
  at("state").append(...STATES.map((state) => new Option(state, state)));
  added(at("heads"), "th", "Tile");
  for (const stage of roster.stages) added(at("heads"), "th", stage);
  await look();
  at("stage").addEventListener("change", showMap);
  at("search").addEventListener("input", showTable);
  at("state").addEventListener("change", showTable);
  setInterval(lookAgain, EVERY);
}

begin().catch((error) => tell(error.message, true));
