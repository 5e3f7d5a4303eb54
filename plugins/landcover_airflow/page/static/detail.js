// One tile: its units, what its seasons were made of, and pictures of them.
import { SIGNS, stateOf } from "./tiles.js";

const SHARES = { cloud_percent: "cloud", shadow_percent: "shadow", grown_percent: "grown" };

export function added(parent, tag, text = "", kind = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

function linkTo(run, unit) {
  const [task, place, part] = unit.lane;
  const dag = part ? "landcover_shard" : run.dag;
  const link = document.createElement("a");
  link.target = "_top";
  link.textContent = "task and log";
  link.href = `../dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(part ?? run.dagRun)}/tasks/${encodeURIComponent(task)}/mapped/${place}`;
  return link;
}

function showUnits(run, detail, found) {
  const table = added(detail, "table");
  const head = added(added(table, "thead"), "tr");
  for (const text of ["Stage", "Unit", "State", "s", "MB", "Tries", ""]) added(head, "th", text);
  const body = added(table, "tbody");
  for (const unit of found) {
    const row = body.insertRow();
    added(row, "td", unit.stage);
    added(row, "td", unit.label);
    added(row, "td", `${SIGNS[unit.state]} ${unit.state}`, `state ${unit.state}`);
    added(row, "td", unit.seconds ? unit.seconds.toFixed(1) : "");
    added(row, "td", unit.peak_mb || "");
    added(row, "td", unit.attempts || "");
    const last = added(row, "td");
    if (unit.lane) last.append(linkTo(run, unit));
    if (unit.message) {
      const told = added(body.insertRow(), "td", unit.message, "message");
      told.colSpan = 7;
    }
  }
}

function percent(value) {
  return value === null || value === undefined ? "not measured" : `${value.toFixed(1)} %`;
}

function picture(run, tile, output, title) {
  const image = document.createElement("img");
  image.loading = "lazy";
  image.alt = title;
  image.src = `${run.api}/tiles/${encodeURIComponent(tile)}/${encodeURIComponent(output)}.png`;
  return image;
}

function showMade(run, place, found) {
  place.replaceChildren();
  const pictures = added(place, "div", "", "pictures");
  const show = (made, title, lost) => {
    const figure = added(pictures, "figure");
    figure.append(picture(run, found.tile, made.output, title));
    added(figure, "figcaption", `${title}: ${percent(lost)} without data`);
  };
  for (const season of found.seasons) show(season, season.label, season.nodata_percent);
  if (found.map) show(found.map, "Map", found.map.nodata_percent);
  for (const season of found.seasons) {
    const products = season.products.length === 1 ? "1 product" : `${season.products.length} products`;
    added(place, "h4", `${season.label}: ${products}`);
    for (const warning of season.warnings) added(place, "p", warning, "message");
    const list = added(place, "ul", "", "products");
    for (const product of season.products) {
      const shares = Object.entries(SHARES).map(([key, word]) => `${word} ${percent(product[key])}`);
      added(list, "li", `${product.date}, ${product.name}: ${shares.join(", ")}`);
    }
  }
}

// What was asked of a tile, so that a look at the same tile in the same state asks nothing again.
const made = { key: "", element: null };

export function showDetail(run, detail, tile, stages, roster, load) {
  const found = roster.stages.flatMap((stage) => stages?.get(stage) ?? []);
  detail.replaceChildren();
  added(detail, "h3", `${tile}: ${stateOf(stages, "")}`);
  if (!found.length) {
    added(detail, "p", "It waits: nothing of it is planned yet.", "quiet");
    return;
  }
  showUnits(run, detail, found);
  if (!roster.tiles.some((one) => one.tile === tile)) return;
  const key = JSON.stringify([tile, found.map((unit) => [unit.unit, unit.stage, unit.state])]);
  if (key !== made.key) {
    const place = document.createElement("div");
    Object.assign(made, { key, element: place });
    added(place, "p", "Reading what it was made of.", "quiet");
    load(`tiles/${encodeURIComponent(tile)}`).then(
      (answer) => showMade(run, place, answer),
      (error) => {
        place.replaceChildren();
        added(place, "p", error.message, "message");
        if (made.element === place) made.key = "";
      },
    );
  }
  detail.append(made.element);
}
