// What a run would take: the form, and what the estimate says.
const DAG = new URLSearchParams(location.search).get("dag_id") ?? "landcover_map";
const BASES = { paper: "the paper's times", measured: "a whole tile of ours" };
const at = (id) => document.getElementById(id);
const api = `api/dags/${encodeURIComponent(DAG)}/estimate`;

function tell(text, isBad = false) {
  at("told").textContent = text;
  at("told").hidden = !text;
  at("told").classList.toggle("bad", isBad);
}

async function load(path) {
  const answer = await fetch(path);
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(typeof found.detail === "string" ? found.detail : `${answer.status} ${answer.statusText}`);
  return found;
}

function added(parent, tag, text = "", name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  parent.append(element);
  return element;
}

function input(field) {
  if (field.choices.length) {
    const choice = document.createElement("select");
    if (!field.choices.includes(field.value)) added(choice, "option", "").value = "";
    for (const word of field.choices) added(choice, "option", word).value = word;
    return choice;
  }
  const element = document.createElement(field.kind === "lines" ? "textarea" : "input");
  if (field.kind === "lines") element.rows = 2;
  if (field.kind === "number") element.inputMode = "numeric";
  if (field.examples.length && field.kind !== "lines") {
    const list = added(at("form"), "datalist");
    list.id = `examples-${field.name}`;
    for (const example of field.examples) added(list, "option").value = example;
    element.setAttribute("list", list.id);
  }
  return element;
}

function show(fields) {
  for (const field of fields) {
    const label = added(at("form"), "label");
    added(label, "span", field.title);
    const element = input(field);
    element.name = field.name;
    element.id = `field-${field.name}`;
    element.value = field.value;
    element.setAttribute("aria-describedby", `help-${field.name}`);
    label.append(element);
    added(label, "small", field.help, "quiet").id = `help-${field.name}`;
  }
}

const digits = (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });

function duration(seconds) {
  if (seconds < 90) return `${digits(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function between(span, write) {
  return `${write(span.value)} (${write(span.low)} to ${write(span.high)})`;
}

function showFound(found) {
  const n = found.n_workers;
  at("what").textContent = `${found.n_tiles} ${found.n_tiles === 1 ? "tile" : "tiles"}, ${found.n_products} products`;
  const sums = [
    ["To move", `${digits(found.moved_bytes / 1e9)} GB`],
    ["To keep", `${digits(found.kept_bytes / 1e9)} GB`],
    ["Worker-hours", between(found.worker_hours, digits)],
    ["Wall time", `${between(found.wall_seconds, duration)} with ${n} ${n === 1 ? "worker" : "workers"}`],
    ["Memory", `${digits(found.peak_mb / 1e3)} GB of a worker`],
  ];
  if (found.price) sums.push(["Price", between(found.price, digits)]);
  at("sums").replaceChildren();
  for (const [title, text] of sums) {
    const row = at("sums").insertRow();
    added(row, "th", title).scope = "row";
    row.insertCell().textContent = text;
  }
  at("stages").replaceChildren();
  for (const [stage, one] of Object.entries(found.stages)) {
    const row = at("stages").insertRow();
    const from = one.basis === "records" ? `${one.n_runs} earlier ${one.n_runs === 1 ? "run" : "runs"}` : BASES[one.basis];
    const range = `${duration(one.seconds.low)} to ${duration(one.seconds.high)}`;
    for (const text of [stage, one.units, duration(one.seconds.value), range, from]) row.insertCell().textContent = text;
  }
  at("notes").replaceChildren();
  for (const note of found.notes) added(at("notes"), "li", note);
  at("found").hidden = false;
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("ask").disabled = true;
  at("found").hidden = true;
  tell("Looking at recipe, products and labels …");
  try {
    showFound(await load(`${api}?${new URLSearchParams(new FormData(at("form")))}`));
    tell("");
  } catch (error) {
    tell(error.message, true);
  }
  at("ask").disabled = false;
});

at("trigger").href = `/dags/${encodeURIComponent(DAG)}`;
at("trigger").target = "_top";
load(`${api}/form`).then(show).catch((error) => tell(error.message, true));
