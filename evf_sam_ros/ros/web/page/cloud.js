// Draws an object's points on a canvas; dragging turns them, the wheel comes nearer.
"use strict";

const Cloud = (() => {
  const canvas = document.getElementById("cloud");
  const context = canvas.getContext("2d");
  let points = [];
  let yaw = -0.5;
  let pitch = 0.35;
  let zoom = 1;

  // Millimetres about the middle of the object; y points up here, and down in the camera's frame.
  function show({ xyz, rgb }) {
    const middle = [0, 1, 2].map((axis) => {
      const values = xyz.filter((_, index) => index % 3 === axis).sort((a, b) => a - b);
      return values[values.length >> 1] ?? 0;
    });
    points = [];
    for (let i = 0; i < xyz.length; i += 3) {
      points.push({
        x: xyz[i] - middle[0], y: middle[1] - xyz[i + 1], z: xyz[i + 2] - middle[2],
        colour: `rgb(${rgb[i]},${rgb[i + 1]},${rgb[i + 2]})`,
      });
    }
    draw();
  }

  function draw() {
    const { width, height } = canvas;
    const reach = Math.max(1, ...points.map(({ x, y, z }) => Math.hypot(x, y, z)));
    const scale = zoom * 0.45 * Math.min(width, height) / reach;
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    const turned = points.map(({ x, y, z, colour }) => {
      const depth = z * cy + x * sy;
      return { u: x * cy - z * sy, v: y * cp + depth * sp, depth: depth * cp - y * sp, colour };
    }).sort((a, b) => b.depth - a.depth); // the nearest last
    context.clearRect(0, 0, width, height);
    for (const { u, v, colour } of turned) {
      context.fillStyle = colour;
      context.fillRect(width / 2 + u * scale - 1.5, height / 2 - v * scale - 1.5, 3, 3);
    }
    drawBar(scale);
  }

  // A bar of 1, 2, 5, 10 ... cm, at most a third of the width.
  function drawBar(scale) {
    if (!points.length) return;
    const length = [1, 2, 5, 10, 20, 50, 100].filter((cm) => cm * 10 * scale < canvas.width / 3).at(-1) ?? 1;
    context.fillStyle = "#8ea3b8";
    context.fillRect(20, canvas.height - 24, length * 10 * scale, 3);
    context.font = "22px system-ui, sans-serif";
    context.fillText(`${length} cm`, 20, canvas.height - 34);
  }

  canvas.onpointerdown = (event) => canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (event) => {
    if (!event.buttons) return;
    yaw += event.movementX / 120;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + event.movementY / 120));
    draw();
  };
  canvas.onwheel = (event) => {
    event.preventDefault();
    zoom = Math.max(0.3, Math.min(8, zoom * Math.exp(-event.deltaY / 600)));
    draw();
  };
  return { show };
})();
