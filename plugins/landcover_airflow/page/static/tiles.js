// States of tiles, the map and the table of them.
export const STATES = ["failed", "interrupted", "cancelled", "skipped", "running", "planned", "done", "reused"];
// The gravest first: what a tile is, over several units or stages.
export const SIGNS = {
  failed: "✕", interrupted: "⚡", cancelled: "⊘", skipped: "–", running: "▶", planned: "·", done: "✓", reused: "↺",
};
const ACROSS = 1000;

export function gravest(states) {
  return STATES.find((state) => states.includes(state)) ?? "planned";
}

// Units of a run by the row that they are shown in (a tile, or what is about all of them) and stage.
export function byRow(units) {
  const rows = new Map();
  for (const unit of units) {
    const name = unit.tile ?? unit.label;
    if (!rows.has(name)) rows.set(name, new Map());
    const stages = rows.get(name);
    stages.set(unit.stage, [...(stages.get(unit.stage) ?? []), unit]);
  }
  return rows;
}

export function stateOf(stages, stage) {
  if (!stages) return "planned";
  const units = stage ? (stages.get(stage) ?? []) : [...stages.values()].flat();
  return gravest(units.map((unit) => unit.state));
}

// Draws the outlines once; colours come with `colour`.
export function drawMap(svg, tiles, choose) {
  const corners = tiles.flatMap((tile) => tile.outline);
  const lons = corners.map(([lon]) => lon);
  const lats = corners.map(([, lat]) => lat);
  const [west, north] = [Math.min(...lons), Math.max(...lats)];
  const [east, south] = [Math.max(...lons), Math.min(...lats)];
  // A degree of longitude is shorter than one of latitude.
  const squeeze = Math.cos((((north + south) / 2) * Math.PI) / 180);
  const scale = ACROSS / Math.max((east - west) * squeeze, north - south);
  const place = ([lon, lat]) => [(lon - west) * squeeze * scale, (north - lat) * scale];
  svg.setAttribute("viewBox", `-5 -5 ${(east - west) * squeeze * scale + 10} ${(north - south) * scale + 10}`);
  const shapes = new Map();
  const signs = document.createElementNS(svg.namespaceURI, "g");
  for (const tile of tiles) {
    const points = tile.outline.map(place);
    const shape = document.createElementNS(svg.namespaceURI, "polygon");
    shape.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    shape.setAttribute("tabindex", "0");
    shape.setAttribute("role", "button");
    shape.addEventListener("click", () => choose(tile.tile));
    shape.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(tile.tile);
      }
    });
    const title = document.createElementNS(svg.namespaceURI, "title");
    shape.append(title);
    const sign = document.createElementNS(svg.namespaceURI, "text");
    const middle = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
    sign.setAttribute("x", middle[0]);
    sign.setAttribute("y", middle[1]);
    sign.setAttribute("font-size", Math.min(60, (Math.abs(points[2][0] - points[0][0]) || 60) / 3));
    signs.append(sign);
    svg.append(shape);
    shapes.set(tile.tile, { shape, title, sign });
  }
  svg.append(signs);
  return shapes;
}

export function colour(shapes, rows, stage, chosen) {
  const counts = {};
  for (const [tile, { shape, title, sign }] of shapes) {
    const state = stateOf(rows.get(tile), stage);
    counts[state] = (counts[state] ?? 0) + 1;
    shape.setAttribute("class", tile === chosen ? `${state} chosen` : state);
    shape.setAttribute("aria-label", `${tile}: ${state}`);
    title.textContent = `${tile}: ${state}`;
    sign.textContent = ["done", "reused", "planned"].includes(state) ? "" : SIGNS[state];
  }
  return counts;
}

// One row of the table, changed in place where it is there already.
export function fillRow(row, name, stages, columns, choose) {
  if (!row.cells.length) {
    const button = document.createElement("button");
    button.className = "link";
    button.textContent = name;
    button.addEventListener("click", () => choose(name));
    const head = document.createElement("th");
    head.scope = "row";
    head.append(button);
    row.append(head);
    for (const _ of columns) row.insertCell();
  }
  columns.forEach((stage, place) => {
    const units = stages?.get(stage) ?? [];
    const state = units.length ? gravest(units.map((unit) => unit.state)) : "";
    const alike = units.filter((unit) => unit.state === state).length;
    const text = !state ? "" : units.length > 1 ? `${SIGNS[state]} ${alike}/${units.length}` : SIGNS[state];
    const cell = row.cells[place + 1];
    if (cell.textContent !== text) cell.textContent = text;
    const kind = `state ${state}`.trim();
    if (cell.className !== kind) {
      cell.className = kind;
      cell.title = state ? `${name}, ${stage}: ${state}` : "";
    }
  });
}
