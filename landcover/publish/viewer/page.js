// The published page: opened from a folder, where browsers read no files, or from a server.
"use strict";

const held = new Map();

// Called by the scripts beside the page, with the beginning of a file in base64.
function hold(file, text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k++) bytes[k] = letters.charCodeAt(k);
  held.set(file, new HeldSource(bytes));
}

function heldSource(file) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `preview/${file}.js`;
    script.onload = () => resolve(held.get(file));
    script.onerror = () => reject(new Error("the script beside the page with the beginning of this file is not there"));
    document.head.append(script);
  });
}

async function openBeside(file) {
  if (!location.protocol.startsWith("http")) return heldSource(file);
  const source = new RangeSource(file);
  try {
    await source.read(0, 16);
    return source;
  } catch {
    return heldSource(file); // A server that gives no parts of files, or a copy without the large ones.
  }
}

// Says that the finest levels are not there, where they are not.
document.getElementById("viewer").addEventListener("loaded", () => {
  if (![...held.values()].some((source) => source.isCut)) return;
  document.getElementById("detail").textContent = location.protocol.startsWith("http")
    ? "This server gives no parts of files, so the map is shown coarser than it is; the GeoTIFF has the full detail."
    : "Opened from a folder, where browsers read no files: the map is shown coarser than it is; the GeoTIFF has the full detail.";
});

showMap(document.getElementById("viewer"), JSON.parse(document.getElementById("about").textContent), openBeside, (file) => file);
