// Draws tiles of maps with WebGL 2: codes as they are, coloured by a palette of 256 entries, or pictures.
"use strict";

const CUTS = 8; // A tile is drawn as so many strips each way, so that it bends as its projection does.
const VERTEX = `#version 300 es
in vec2 place; in vec2 part; uniform vec2 shift; uniform float scale; uniform vec2 view; out vec2 at;
void main() {
  vec2 px = (place * scale + shift) / view * 2.0;
  gl_Position = vec4(px.x, -px.y, 0.0, 1.0);
  at = part;
}`;
const CODES = `#version 300 es
precision highp float; precision highp usampler2D;
uniform usampler2D tile; uniform sampler2D palette; in vec2 at; out vec4 colour;
void main() {
  ivec2 size = textureSize(tile, 0);
  uint code = texelFetch(tile, clamp(ivec2(floor(at)), ivec2(0), size - 1), 0).r;
  colour = texelFetch(palette, ivec2(int(code), 0), 0);
  colour.rgb *= colour.a;
}`;
const PICTURE = `#version 300 es
precision highp float;
uniform sampler2D tile; in vec2 at; out vec4 colour;
void main() {
  ivec2 size = textureSize(tile, 0);
  colour = texelFetch(tile, clamp(ivec2(floor(at)), ivec2(0), size - 1), 0);
  colour.rgb *= colour.a;
}`;

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false });
    if (!gl) throw new Error("This browser does not draw with WebGL 2.");
    this.gl = gl;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.programs = { codes: linked(gl, CODES), picture: linked(gl, PICTURE) };
    this.palettes = new Map();
  }

  // colours: 256 × [red, green, blue, alpha].
  palette(name, colours) {
    const { gl } = this;
    const texture = nearest(gl);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(colours.flat()));
    this.palettes.set(name, texture);
  }

  // What a tile needs to be drawn; its anchor stays exact, as floats of the card are too short for the plane.
  load(values, level, corner, placement, scaleX, scaleY) {
    const { gl } = this;
    const texture = nearest(gl);
    const isPicture = typeof ImageBitmap !== "undefined" && values instanceof ImageBitmap;
    if (isPicture) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, values);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, level.tileWidth, level.tileHeight, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, values);
    const wide = Math.min(level.tileWidth, level.width - corner[0]);
    const high = Math.min(level.tileHeight, level.height - corner[1]);
    const anchor = placement.placeOf(corner[0] * scaleX, corner[1] * scaleY);
    const mesh = [];
    for (let j = 0; j <= CUTS; j++)
      for (let i = 0; i <= CUTS; i++) {
        const part = [(i / CUTS) * wide, (j / CUTS) * high];
        const [x, y] = placement.placeOf((corner[0] + part[0]) * scaleX, (corner[1] + part[1]) * scaleY);
        mesh.push(x - anchor[0], y - anchor[1], ...part);
      }
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(mesh), gl.STATIC_DRAW);
    return { texture, buffer, anchor, isPicture };
  }

  free(tile) {
    this.gl.deleteTexture(tile.texture);
    this.gl.deleteBuffer(tile.buffer);
  }

  // Pixels of the card for the size that the canvas has on the page; gives how many of them a px has.
  fit() {
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(this.canvas.clientWidth * ratio), Math.round(this.canvas.clientHeight * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== high) [this.canvas.width, this.canvas.height] = [wide, high];
    return ratio;
  }

  begin() {
    const { gl } = this;
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  // Draws tiles into a part of the canvas (left, width: px) around a middle of the plane.
  draw(tiles, palette, middle, world, left, width) {
    const { gl } = this;
    const ratio = window.devicePixelRatio || 1;
    const [from, wide, high] = [Math.round(left * ratio), Math.round(width * ratio), this.canvas.height];
    gl.viewport(from, 0, wide, high);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(from, 0, wide, high);
    for (const tile of tiles) {
      const program = tile.isPicture ? this.programs.picture : this.programs.codes;
      gl.useProgram(program.program);
      gl.uniform1f(program.scale, world);
      gl.uniform2f(program.shift, (tile.anchor[0] - middle[0]) * world, (tile.anchor[1] - middle[1]) * world);
      gl.uniform2f(program.view, wide / ratio, high / ratio);
      gl.uniform1i(program.tile, 0);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, tile.texture);
      if (!tile.isPicture) {
        gl.uniform1i(program.palette, 1);
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, this.palettes.get(palette));
      }
      gl.bindBuffer(gl.ARRAY_BUFFER, tile.buffer);
      gl.enableVertexAttribArray(0);
      gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 16, 0);
      gl.enableVertexAttribArray(1);
      gl.vertexAttribPointer(1, 2, gl.FLOAT, false, 16, 8);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.corners());
      gl.drawElements(gl.TRIANGLES, CUTS * CUTS * 6, gl.UNSIGNED_SHORT, 0);
    }
  }

  corners() {
    if (this.order) return this.order;
    const found = [];
    for (let j = 0; j < CUTS; j++)
      for (let i = 0; i < CUTS; i++) {
        const k = j * (CUTS + 1) + i;
        found.push(k, k + 1, k + CUTS + 1, k + 1, k + CUTS + 2, k + CUTS + 1);
      }
    this.order = this.gl.createBuffer();
    this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.order);
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, new Uint16Array(found), this.gl.STATIC_DRAW);
    return this.order;
  }
}

function nearest(gl) {
  const texture = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const [name, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
  return texture;
}

function linked(gl, fragment) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`WebGL: ${gl.getShaderInfoLog(shader)}`);
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "place");
  gl.bindAttribLocation(program, 1, "part");
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`WebGL: ${gl.getProgramInfoLog(program)}`);
  const places = ["shift", "scale", "view", "tile", "palette"].map((name) => [name, gl.getUniformLocation(program, name)]);
  return { program, ...Object.fromEntries(places) };
}
