// Where pixels of a map lie: on the Web Mercator plane, 0 to 1 from north-west to south-east.
// The page gives longitude and latitude of every so many pixels (nodes); between them they are
// interpolated, which is right to a few metres for nodes 10 km apart.
"use strict";

const mercatorX = (lon) => (lon + 180) / 360;
const mercatorY = (lat) => (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2;
const longitude = (x) => x * 360 - 180;
const latitude = (y) => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

class Placement {
  // nodes: { columns, rows, lons, lats }; columns and rows in pixels, lons and lats row by row.
  constructor(nodes) {
    this.columns = nodes.columns;
    this.rows = nodes.rows;
    this.x = nodes.lons.map(mercatorX);
    this.y = nodes.lats.map(mercatorY);
    this.box = [Math.min(...this.x), Math.min(...this.y), Math.max(...this.x), Math.max(...this.y)];
  }

  // Pixel (column, row; whole numbers are corners) → place on the plane.
  placeOf(column, row) {
    const [i, u] = between(this.columns, column);
    const [j, v] = between(this.rows, row);
    const n = this.columns.length;
    const k = j * n + i;
    const mixed = (part) =>
      (1 - v) * ((1 - u) * part[k] + u * part[k + 1]) + v * ((1 - u) * part[k + n] + u * part[k + n + 1]);
    return [mixed(this.x), mixed(this.y)];
  }

  // The other way round, by Newton's method; a few steps, as the map is nearly a rectangle.
  pixelAt(x, y) {
    const [west, north, east, south] = this.box;
    const [wide, high] = [this.columns.at(-1), this.rows.at(-1)];
    let column = ((x - west) / (east - west)) * wide;
    let row = ((y - north) / (south - north)) * high;
    for (let step = 0; step < 8; step++) {
      const [ax, ay] = this.placeOf(column, row);
      const [bx, by] = this.placeOf(column + 1, row);
      const [cx, cy] = this.placeOf(column, row + 1);
      const [a, b, c, d] = [bx - ax, cx - ax, by - ay, cy - ay];
      const scale = a * d - b * c;
      const [dx, dy] = [x - ax, y - ay];
      const [right, down] = [(d * dx - b * dy) / scale, (a * dy - c * dx) / scale];
      column += right;
      row += down;
      if (Math.abs(right) + Math.abs(down) < 1e-4) break;
    }
    return [column, row];
  }
}

// Which two nodes a value lies between (or the nearest two), and how far from the first to the second.
function between(nodes, value) {
  let k = 0;
  while (k < nodes.length - 2 && value >= nodes[k + 1]) k++;
  return [k, (value - nodes[k]) / (nodes[k + 1] - nodes[k])];
}
