// Reads Cloud Optimized GeoTIFFs in the browser: directories, then single tiles of single levels.
// What is read is what this program publishes: tiles of bytes, stored plain, deflated or as WebP,
// little-endian, in classic TIFF or BigTIFF (TIFF 6.0, section 15; Adobe's supplement 1 for Deflate).
"use strict";

const HEAD = 65536; // Bytes of the first request: the directories, and usually the coarsest level.
const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 12: 8, 16: 8 };
const TAG = {
  kind: 254, width: 256, height: 257, bits: 258, compression: 259, samples: 277, predictor: 317,
  tileWidth: 322, tileHeight: 323, offsets: 324, counts: 325, nodata: 42113,
};
const [PLAIN, DEFLATE, OLD_DEFLATE, WEBP] = [1, 8, 32946, 50001];

// Some bytes of a file behind an address that answers range requests.
class RangeSource {
  constructor(address) {
    this.address = address;
  }

  async read(offset, length) {
    const answer = await fetch(this.address, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } });
    if (answer.status === 206) return new Uint8Array(await answer.arrayBuffer());
    if (answer.ok) {
      answer.body?.cancel(); // A server that sends the whole file would send it for every tile.
      throw new Error("The server does not answer requests for parts of a file (HTTP ranges).");
    }
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.detail ?? `${this.address}: ${answer.status} ${answer.statusText}`);
  }
}

// The beginning of a file, which lies in a script beside the page.
class HeldSource {
  constructor(bytes) {
    this.bytes = bytes;
  }

  async read(offset, length) {
    return this.bytes.subarray(offset, offset + length);
  }

  holds(end) {
    return end <= this.bytes.length;
  }
}

class Cog {
  // Levels from the finest to the coarsest: { width, height, tileWidth, tileHeight, offsets, counts, … }.
  static async open(source) {
    const cog = new Cog();
    cog.source = source;
    cog.head = await source.read(0, HEAD);
    const view = viewOf(cog.head);
    if (view.byteLength < 16 || view.getUint16(0, true) !== 0x4949) throw new Error("This is no little-endian TIFF.");
    const version = view.getUint16(2, true);
    if (version !== 42 && version !== 43) throw new Error("This is no TIFF.");
    cog.big = version === 43;
    let place = cog.big ? Number(view.getBigUint64(8, true)) : view.getUint32(4, true);
    cog.levels = [];
    while (place) {
      const [tags, next] = await cog.directory(place);
      place = next;
      if ((tags[TAG.kind]?.[0] ?? 0) & 4) continue; // A mask: what is transparent says so itself.
      cog.levels.push(levelOf(tags));
    }
    if (!cog.levels.length) throw new Error("The TIFF holds no picture.");
    // Of a file of which only the beginning is at hand, the levels that are whole in it.
    if (source.holds) {
      const all = cog.levels.length;
      cog.levels = cog.levels.filter((level) => source.holds(level.end));
      source.isCut = cog.levels.length < all;
    }
    if (!cog.levels.length) throw new Error("No level of this file is at hand.");
    return cog;
  }

  async bytes(offset, length) {
    if (offset + length <= this.head.length) return this.head.subarray(offset, offset + length);
    const found = await this.source.read(offset, length);
    if (found.length < length) throw new Error("The file is cut short.");
    return found;
  }

  async directory(place) {
    const [nBytes, entry, inline] = this.big ? [8, 20, 8] : [2, 12, 4];
    const start = viewOf(await this.bytes(place, nBytes));
    const count = this.big ? Number(start.getBigUint64(0, true)) : start.getUint16(0, true);
    const view = viewOf(await this.bytes(place + nBytes, count * entry + inline));
    const tags = {};
    for (let k = 0; k < count; k++) {
      const at = k * entry;
      const [tag, type] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
      if (!SIZES[type] || !Object.values(TAG).includes(tag)) continue;
      const n = this.big ? Number(view.getBigUint64(at + 4, true)) : view.getUint32(at + 4, true);
      const from = at + entry - inline;
      let values = view;
      let begin = from;
      if (n * SIZES[type] > inline) {
        const far = this.big ? Number(view.getBigUint64(from, true)) : view.getUint32(from, true);
        values = viewOf(await this.bytes(far, n * SIZES[type]));
        begin = 0;
      }
      tags[tag] = Array.from({ length: n }, (_, i) => numberAt(values, begin + i * SIZES[type], type));
    }
    const last = count * entry;
    return [tags, this.big ? Number(view.getBigUint64(last, true)) : view.getUint32(last, true)];
  }

  // One tile: bytes (row by row, of one band), or a picture; null where the file has none, all nodata.
  async tile(number, column, row) {
    const level = this.levels[number];
    const index = row * level.across + column;
    const [offset, count] = [level.offsets[index], level.counts[index]];
    if (!count) return null;
    const stored = await this.bytes(offset, count);
    if (level.compression === WEBP) return createImageBitmap(new Blob([stored], { type: "image/webp" }), { premultiplyAlpha: "none" });
    const values = level.compression === PLAIN ? stored.slice() : await inflated(stored);
    const expected = level.tileWidth * level.tileHeight * level.samples;
    if (values.length !== expected) throw new Error(`A tile has ${values.length} bytes instead of ${expected}: the file is damaged.`);
    if (level.predictor === 2) {
      const wide = level.tileWidth * level.samples;
      for (let start = 0; start < expected; start += wide)
        for (let k = start + level.samples; k < start + wide; k++) values[k] += values[k - level.samples];
    }
    return values;
  }
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function numberAt(view, at, type) {
  if (SIZES[type] === 1) return view.getUint8(at);
  if (SIZES[type] === 2) return view.getUint16(at, true);
  if (SIZES[type] === 4) return view.getUint32(at, true);
  return type === 12 ? view.getFloat64(at, true) : Number(view.getBigUint64(at, true));
}

function levelOf(tags) {
  const one = (tag, otherwise) => tags[tag]?.[0] ?? otherwise;
  const level = {
    width: one(TAG.width), height: one(TAG.height), tileWidth: one(TAG.tileWidth), tileHeight: one(TAG.tileHeight),
    offsets: tags[TAG.offsets], counts: tags[TAG.counts], compression: one(TAG.compression, PLAIN),
    predictor: one(TAG.predictor, 1), samples: one(TAG.samples, 1),
  };
  if (!level.tileWidth || !level.offsets) throw new Error("The TIFF is not tiled, so it cannot be read in parts.");
  if ((tags[TAG.bits] ?? [1]).some((bits) => bits !== 8)) throw new Error("The TIFF does not hold bytes.");
  if (![PLAIN, DEFLATE, OLD_DEFLATE, WEBP].includes(level.compression)) throw new Error(`The TIFF is compressed in a way that is not read here (${level.compression}).`);
  if (![1, 2].includes(level.predictor)) throw new Error(`The TIFF has predictor ${level.predictor}, which is not read here.`);
  level.across = Math.ceil(level.width / level.tileWidth);
  level.down = Math.ceil(level.height / level.tileHeight);
  level.end = level.offsets.reduce((most, offset, k) => Math.max(most, offset + level.counts[k]), 0);
  return level;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
