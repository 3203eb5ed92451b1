// Shows what the node's page sends over one WebSocket, and sends what the operator says.
"use strict";

const MAX_HISTORY = 8;
const TRACE_LENGTH = 120;
const RECONNECT_MS = [250, 500, 1000, 2000, 4000];
const CAMERA_LATE_S = 2;
const NODE_LATE_S = 3;      // its diagnostics come once a second
const ANSWER_LATE_S = 2;
const PICTURE_OLD_MS = 2000;
const POINTS_AGAIN_MS = 5000;
const ANSWER_OLD_MS = 3000;
const STAGES = [
  ["waiting", "frame_age"], ["preparing", "preprocess"], ["model", "inference"], ["geometry", "postprocess"],
];

const at = (id) => document.getElementById(id);
const write = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const element = (tag, text = "", className = "") => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
};

let socket = null;
let failures = 0;
let answeredAt = 0;
let pictureUrl = "";
let pictureAt = 0;
let answerTakesMs = 0;
let noticeTimer = 0;
const totals = [];
const asked = new Map(); // command -> status, newest last

// The connection

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/feed`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { failures = 0; lamp("link", "ok", "connected"); };
  socket.onmessage = ({ data }) => typeof data === "string" ? show(JSON.parse(data)) : showPicture(data);
  socket.onclose = () => {
    lamp("link", "error", "no connection to the page's node");
    lamp("camera", "stale", "");
    lamp("node", "stale", "");
    setTimeout(connect, RECONNECT_MS[Math.min(failures++, RECONNECT_MS.length - 1)]);
  };
}

function send(wish) {
  if (socket?.readyState !== WebSocket.OPEN) return notice("Not connected: the page's node does not answer.");
  socket.send(JSON.stringify(wish));
}

function show(document_) {
  ({
    result: showResult,
    rejected: ({ command, message }) => write("refusal", `Refused: “${command}”: ${message}.`),
    points: (points) => { Cloud.show(points); write("cloud-note", `${points.xyz.length / 3} points, ${points.frame_id}`); },
    state: showState,
    diagnostics: showDiagnostics,
    notice: ({ text }) => notice(text),
    refusal: ({ text }) => write("refusal", `Refused: ${text}.`),
  })[document_.kind]?.(document_);
}

function notice(text) {
  write("notice", text);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => write("notice", ""), 6000);
}

function lamp(name, level, title) {
  at(`lamp-${name}`).dataset.level = level;
  at(`lamp-${name}`).title = title;
}

// What the robot sees

function showPicture(data) {
  const answering = new Uint8Array(data, 0, 1)[0] === "o".charCodeAt(0);
  const url = URL.createObjectURL(new Blob([new Uint8Array(data, 1)], { type: "image/jpeg" }));
  const picture = at("picture");
  picture.onload = () => { if (pictureUrl !== url) URL.revokeObjectURL(pictureUrl); pictureUrl = url; };
  picture.src = url;
  picture.dataset.kind = answering ? "overlay" : "camera";
  pictureAt = Date.now();
  picture.hidden = false;
  at("placeholder").hidden = true;
  agePicture();
}

// An old picture is greyed and says its age; a slow model's answers are not old while it works.
function agePicture() {
  const picture = at("picture");
  if (picture.hidden) return;
  const age = Date.now() - pictureAt;
  const old = age > Math.max(PICTURE_OLD_MS, picture.dataset.kind === "overlay" ? 2 * answerTakesMs : 0);
  picture.dataset.old = old;
  write("caption", old ? `${Math.floor(age / 1000)} s old` : picture.dataset.kind === "camera" ? "camera" : "");
}

function showState({ node, node_age_s: nodeAge, camera_age_s: age, waiting_s: waiting, namespace }) {
  const seeing = age !== null && age < CAMERA_LATE_S;
  const alive = node && nodeAge < NODE_LATE_S;
  const nodeTitle = alive ? "the segmentation node answers" : node ? `nothing from the node for ${number(nodeAge, 0)} s` : "no segmentation node";
  lamp("node", alive ? "ok" : "error", nodeTitle);
  lamp("camera", seeing ? "ok" : "error", seeing ? "pictures arrive" : `no picture for ${number(age, 0)} s`);
  write("namespace", namespace === "/" ? "" : namespace);
  write("placeholder", seeing ? "Waiting for a picture …" : "No pictures from the camera.");
  const names = { find: "Find", stop: "Stop looking" };
  const late = Object.entries(waiting).filter(([, seconds]) => seconds >= ANSWER_LATE_S);
  const why = !alive ? nodeTitle : !seeing ? "the camera sends no pictures" : "the model is still at work";
  write("waiting", late.map(([what, seconds]) => `No answer to “${names[what]}” for ${number(seconds, 0)} s: ${why}.`).join(" "));
}

// What it answers

function showResult(result) {
  answeredAt = Date.now();
  answerTakesMs = result.times_ms.total ?? 0;
  at("answer").dataset.status = result.status;
  at("answer").dataset.old = false;
  write("status", result.status.replaceAll("_", " "));
  write("expression", result.expression || result.command || "–");
  write("message", result.message);
  write("score", number(result.score, 2));
  at("score-bar").style.width = `${100 * Math.min(1, Math.max(0, result.score ?? 0))}%`;
  const [best] = result.objects;
  write("position", best?.position_m ? `${best.position_m.map(signed).join("  ")} m` : "–");
  write("size", best?.size_m ? `${best.size_m.map((side) => number(side * 100, 0)).join(" × ")} cm${sizeNotes(best)}` : "–");
  write("depth", best ? `${result.depth_status}, ${number(100 * best.depth_valid_ratio, 0)} % read` : result.depth_status);
  write("frame", result.frame_id || "–");
  showObjects(result);
  showLatency(result.times_ms);
  remember(result);
}

function sizeNotes(object) {
  return (object.cut_off ? ", cut off by the picture" : "") + (object.box_upright ? "" : ", along the camera's axes");
}

function showObjects({ objects, status }) {
  at("objects-card").hidden = objects.length < 2;
  at("objects").replaceChildren(...objects.map((each, index) => {
    const row = element("tr");
    row.append(element("td", String(index + 1)), element("td", number(each.score, 2)),
      element("td", each.position_m ? each.position_m.map(signed).join(" ") : "–"),
      element("td", String(each.area_px)));
    if (status === "AMBIGUOUS" && each.description) row.append(choice(each.description));
    return row;
  }));
}

// What tells a candidate from the others, as a button that says it.
function choice(description) {
  const cell = element("td");
  const button = element("button", description, "choose");
  button.type = "button";
  button.title = `Say “${description}”`;
  button.onclick = () => say(description);
  cell.append(button);
  return cell;
}

function showLatency(times) {
  if (!times.total) return;
  const parts = STAGES.map(([label, key]) => [label, Math.max(0, times[key])]);
  const rest = times.total - parts.reduce((sum, [, ms]) => sum + ms, 0);
  if (rest > 1) parts.push(["other", rest]);
  write("total", `${number(times.total, 0)} ms`);
  at("stages").replaceChildren(...parts.map(([, ms], index) => {
    const bar = element("i", "", `s${index}`);
    bar.style.width = `${100 * ms / times.total}%`;
    return bar;
  }));
  at("legend").replaceChildren(...parts.map(([label, ms], index) => element("li", `${label} ${number(ms, 0)} ms`, `s${index}`)));
  totals.push(times.total);
  if (totals.length > TRACE_LENGTH) totals.shift();
  const top = Math.max(...totals) * 1.1;
  const points = totals.map((ms, index) => `${240 * index / Math.max(1, totals.length - 1)},${40 - 38 * ms / top}`);
  document.querySelector("#trace polyline").setAttribute("points", points.join(" "));
}

function remember({ command, status }) {
  if (!command || asked.get(command) === status) return;
  if (asked.has(command) && [...asked.keys()].at(-1) !== command) asked.delete(command);
  asked.set(command, status);
  if (asked.size > MAX_HISTORY) asked.delete(asked.keys().next().value);
  at("history-card").hidden = false;
  at("history").replaceChildren(...[...asked].reverse().map(([text, outcome]) => {
    const item = element("li");
    const again = element("button", text, "toned");
    again.type = "button";
    again.title = "Ask again";
    again.dataset.status = outcome;
    again.append(element("span", outcome.replaceAll("_", " ").toLowerCase()));
    again.onclick = () => say(text);
    item.append(again);
    return item;
  }));
}

// What it says of itself

function showDiagnostics({ statuses }) {
  showKnowledge(statuses);
  const open = new Set([...document.querySelectorAll("#diagnostics details[open]")].map((each) => each.dataset.name));
  at("diagnostics").replaceChildren(...statuses.map(({ name, level, message, values }) => {
    const details = element("details");
    details.dataset.name = name;
    details.dataset.level = level.toLowerCase();
    details.open = open.has(name);
    const summary = element("summary");
    summary.append(element("b", name.replace(/^.*?: */, "")), element("span", message));
    const table = element("table");
    for (const [key, value] of values) {
      const row = table.insertRow();
      row.append(element("td", key), element("td", value));
    }
    details.append(summary, table);
    return details;
  }));
}

// Which pictures and words the running model knows, as its diagnostics say.
function showKnowledge(statuses) {
  const model = statuses.find(({ values }) => values.some(([key]) => key === "knows"));
  if (!model) return;
  const values = new Map(model.values);
  const uncalibrated = values.get("calibrated") === "False" ? ` Not calibrated: ${model.message}.` : "";
  write("knows", `${values.get("knows")}.${uncalibrated}`);
}

// Speaking

function say(text) {
  if (!text.trim()) return;
  at("text").value = text;
  at("text").select();
  totals.length = 0;
  write("refusal", "");
  send({ say: text });
}

function prepareMicrophone() {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  const button = at("microphone");
  if (!Recognition || !window.isSecureContext) {
    button.disabled = true;
    button.title = Recognition ? "The microphone needs https or this machine's own address"
      : "This browser has no speech recognition; Chrome, Edge and Safari have";
    return;
  }
  const recognition = new Recognition();
  recognition.interimResults = true;
  const listening = (on) => button.setAttribute("aria-pressed", String(on));
  recognition.onstart = () => listening(true);
  recognition.onend = () => listening(false);
  recognition.onerror = ({ error }) => notice(error === "not-allowed" ? "The browser does not allow the microphone." : `Speech: ${error}.`);
  recognition.onresult = ({ results }) => {
    const heard = results[results.length - 1];
    at("text").value = heard[0].transcript;
    if (heard.isFinal) say(heard[0].transcript); // never act on half a sentence
  };
  button.onclick = () => {
    if (button.getAttribute("aria-pressed") === "true") return recognition.stop();
    recognition.lang = navigator.language.startsWith("en") ? navigator.language : "en-US";
    recognition.start();
  };
}

// Numbers

function number(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

function signed(value) {
  return value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

at("form").onsubmit = (event) => { event.preventDefault(); say(at("text").value); };
at("cancel").onclick = () => send({ cancel: true });
function askForPoints() {
  if (at("cloud-card").open) send({ points: true });
}

at("cloud-card").ontoggle = askForPoints;
setInterval(askForPoints, POINTS_AGAIN_MS);
setInterval(agePicture, 500);
setInterval(() => { at("answer").dataset.old = answeredAt > 0 && Date.now() - answeredAt > ANSWER_OLD_MS; }, 500);
prepareMicrophone();
connect();
