// Tiles of the layers of maps: which are in view, at which level, and those that are loaded.
"use strict";

const AT_ONCE = 8; // Requests that are under way at a time.
const KEPT = 300; // Tiles that are kept, most of 256 kB here and on the card.
const FINE_ENOUGH = 1.4; // A pixel of the level that is shown is at most so many px wide, if there is a finer one.

class Layers {
  // views: of the page's document; open(file, held) → source; changed() is called when a tile is there.
  constructor(views, painter, open, changed, trouble) {
    this.views = views.map((view) => ({ ...view, placement: new Placement(view.nodes), files: new Map() }));
    this.painter = painter;
    this.open = open;
    this.changed = changed;
    this.trouble = trouble;
    this.tiles = new Map();
    this.underWay = 0;
    this.turn = 0;
    this.wanted = [];
  }

  // The file of a layer: undefined while it is opened, null where there is none or it failed.
  file(view, layer) {
    const about = view.layers[layer];
    if (!about) return null;
    if (!view.files.has(layer)) {
      view.files.set(layer, undefined);
      this.open(about.file)
        .then((source) => Cog.open(source))
        .then((cog) => {
          // The width of the whole file, whether or not its finest level is at hand.
          for (const level of cog.levels) level.scale = [about.columns / level.width, about.rows / level.height];
          view.files.set(layer, cog);
        })
        .catch((error) => {
          view.files.set(layer, null);
          this.trouble(`${about.file}: ${error.message}`);
        })
        .finally(() => this.changed());
    }
    return view.files.get(layer);
  }

  level(view, cog, world) {
    const [west, , east] = view.placement.box;
    const px = ((east - west) / view.placement.columns.at(-1)) * world;
    const fits = (level) => level.scale[0] * px <= FINE_ENOUGH;
    const found = cog.levels.findLastIndex(fits);
    return Math.max(0, found);
  }

  // Tiles of a level that a box of the plane (west, north, east, south) touches.
  places(view, cog, number, box) {
    const [west, north, east, south] = view.placement.box;
    if (box[0] > east || box[2] < west || box[1] > south || box[3] < north) return [];
    const level = cog.levels[number];
    const seen = [Math.max(box[0], west), Math.max(box[1], north), Math.min(box[2], east), Math.min(box[3], south)];
    const corners = [0, 0.5, 1].flatMap((u) => [0, 0.5, 1].map((v) => view.placement.pixelAt(
      seen[0] + u * (seen[2] - seen[0]), seen[1] + v * (seen[3] - seen[1]))));
    const range = (axis, side, count) => {
      const all = corners.map((corner) => corner[axis] / level.scale[axis] / side);
      return [Math.max(0, Math.floor(Math.min(...all) - 0.02)), Math.min(count - 1, Math.floor(Math.max(...all) + 0.02))];
    };
    const [left, right] = range(0, level.tileWidth, level.across);
    const [top, bottom] = range(1, level.tileHeight, level.down);
    const found = [];
    for (let row = top; row <= bottom; row++) for (let column = left; column <= right; column++) found.push([column, row]);
    return found;
  }

  // What is to be drawn in a box, the first view on top; `isWhole` where nothing is waited for.
  inView(layer, box, world) {
    const drawn = [];
    let isWhole = true;
    for (const view of [...this.views].reverse()) {
      const [west, north, east, south] = view.placement.box;
      if (box[0] > east || box[2] < west || box[1] > south || box[3] < north) continue;
      const cog = this.file(view, layer);
      if (cog === undefined) isWhole = false;
      if (!cog) continue;
      const number = this.level(view, cog, world);
      const last = cog.levels.length - 1;
      const found = this.places(view, cog, number, box).map((place) => this.ask(view, layer, cog, number, place));
      if (found.every((tile) => tile.isThere)) {
        drawn.push(...found);
        continue;
      }
      isWhole = false;
      // The coarsest level is one or few tiles and soon there: it stands in until the wanted ones are.
      for (const place of this.places(view, cog, last, box)) this.ask(view, layer, cog, last, place, true);
      for (let coarse = last; coarse >= number; coarse--)
        for (const place of this.places(view, cog, coarse, box)) {
          const tile = this.tiles.get(keyOf(view, layer, coarse, place));
          if (tile?.isThere) drawn.push(tile);
        }
    }
    return { tiles: drawn.filter((tile) => tile.drawn).map((tile) => tile.drawn), isWhole };
  }

  ask(view, layer, cog, number, place, isUrgent = false) {
    const key = keyOf(view, layer, number, place);
    let tile = this.tiles.get(key);
    if (!tile) tile = { isThere: false, isAsked: false };
    this.tiles.delete(key); // Newest last: the oldest are dropped first.
    this.tiles.set(key, tile);
    tile.turn = this.turn;
    if (!tile.isAsked) this.wanted[isUrgent ? "unshift" : "push"]({ tile, view, cog, number, place });
    return tile;
  }

  // Begins to load what was asked for since the last call, as far as requests are free.
  load() {
    for (const { tile, view, cog, number, place } of this.wanted.splice(0)) {
      if (this.underWay >= AT_ONCE || tile.isAsked) continue;
      tile.isAsked = true;
      this.underWay++;
      cog.tile(number, ...place)
        .then((values) => {
          const level = cog.levels[number];
          const corner = [place[0] * level.tileWidth, place[1] * level.tileHeight];
          tile.values = values;
          if (values) tile.drawn = this.painter.load(values, level, corner, view.placement, ...level.scale);
        })
        .catch((error) => this.trouble(error.message))
        .finally(() => {
          tile.isThere = true;
          this.underWay--;
          this.changed();
        });
    }
  }

  // Drops the oldest tiles beyond what is kept, but none that this picture of the screen asked for.
  forget() {
    for (const [key, tile] of this.tiles) {
      if (this.tiles.size <= KEPT) break;
      if (!tile.isThere || tile.turn === this.turn) continue;
      if (tile.drawn) this.painter.free(tile.drawn);
      this.tiles.delete(key);
    }
    this.turn++;
  }

  // The value at a place of the plane, of the level that is shown there:
  // { view, number, column, row, value }; value undefined while it is loaded, null where there is none.
  valueAt(view, layer, x, y, world) {
    const [west, north, east, south] = view.placement.box;
    if (x < west || x > east || y < north || y > south) return null;
    const cog = this.file(view, layer);
    if (cog === undefined) return { value: undefined };
    if (!cog) return null;
    const number = this.level(view, cog, world);
    const level = cog.levels[number];
    const found = view.placement.pixelAt(x, y);
    const [column, row] = [0, 1].map((axis) => Math.floor(found[axis] / level.scale[axis]));
    if (column < 0 || row < 0 || column >= level.width || row >= level.height) return null;
    const place = [Math.floor(column / level.tileWidth), Math.floor(row / level.tileHeight)];
    const tile = this.ask(view, layer, cog, number, place);
    const [across, down] = [column - place[0] * level.tileWidth, row - place[1] * level.tileHeight];
    const value = !tile.isThere ? undefined : (tile.values?.[down * level.tileWidth + across] ?? null);
    return { view, number, column, row, value, pixel: level.scale[0] * view.pixel };
  }
}

function keyOf(view, layer, number, place) {
  return `${view.name}/${layer}/${number}/${place.join("/")}`;
}
