/** The page: one session at a time, and the controls around it. */

import * as api from "./api.js";
import { percent, quoted, visible } from "./labels.js";
import { Story } from "./story.js";
import { colourOf, Wheel } from "./wheel.js";

const POLL_MS = 400;
const LOOK_MS = 900;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

const $ = (id) => document.getElementById(id);
const story = new Story($("story"));
const wheel = new Wheel($("rotor"), (tokenId) => choose(tokenId));

let session = null;
let busy = false;
let hurried = false;
const rows = [];

// What a session shows ---------------------------------------------------------------------------------------------

function show(next, fresh) {
  session = next;
  const { slices, rest_probability: rest, entropy_bits: bits } = next.distribution;
  showRows(slices);
  $("rest").textContent = percent(rest);
  $("entropy").textContent = `As unsure as an even choice among ${alike(2 ** bits)} tokens (${bits.toFixed(1)} bits)`;
  showCount(next);
  $("seed").value = next.seed;
  setSlider("temperature", next.temperature, next.temperature.toFixed(2));
  setSlider("top-k", next.top_k, String(next.top_k));
  const first = slices[0];
  $("wheel-title").textContent =
    `Wheel of the next token: ${slices.length} slices, the largest ${quoted(first.text)} with ${percent(first.probability)}`;
  setButtons();
  return wheel.show(next.distribution, fresh);
}

function showCount(next) {
  $("count").textContent = `${next.tokens.length} of ${next.context_length} tokens`;
}

const alike = (count) => (count < 10 ? count.toFixed(1) : Math.round(count).toLocaleString("en"));

function setSlider(id, value, text) {
  $(id).value = value;
  $(`${id}-value`).textContent = text;
}

/** The rows are kept from one distribution to the next, so that the keyboard's focus stays where it is. */
function showRows(slices) {
  while (rows.length < slices.length) rows.push(newRow(rows.length));
  rows.forEach((row, index) => {
    const slice = slices[index];
    row.item.hidden = !slice;
    row.button.classList.remove("hit");
    if (!slice) return;
    row.tokenId = slice.token_id;
    row.token.textContent = visible(slice.text);
    row.share.textContent = percent(slice.probability);
    row.bar.style.setProperty("--share", slice.probability / slices[0].probability);
    row.button.title = `token ${slice.token_id}${slice.text.includes("\ufffd") ? ", a part of a character" : ""}`;
    row.button.setAttribute("aria-label", `Pick ${quoted(slice.text)}, ${percent(slice.probability)}`);
  });
}

function newRow(index) {
  const row = {};
  const make = (tag, className) => Object.assign(document.createElement(tag), { className });
  row.item = document.createElement("li");
  row.button = make("button", `slice-row ${colourOf(index)}`);
  row.button.type = "button";
  row.token = make("span", "token");
  row.bar = make("span", "bar");
  row.share = make("span", "share");
  const key = make("kbd", "key");
  key.textContent = KEYS[index] ?? "";
  row.button.append(key, make("span", "swatch"), row.token, row.bar, row.share);
  row.button.addEventListener("click", () => choose(row.tokenId));
  row.item.append(row.button);
  $("slices").append(row.item);
  return row;
}

function setButtons() {
  const idle = session !== null && !busy;
  // aria-disabled and not disabled, which would lose the focus.
  const set = (id, able) => $(id).setAttribute("aria-disabled", String(!able));
  set("spin", idle && session.tokens.length < session.context_length);
  set("undo", idle && story.length > 0);
  document.body.classList.toggle("busy", busy);
}

function complain(error) {
  $("error").textContent = error ? error.message : "";
  $("error").hidden = !error;
}

// What a person does -----------------------------------------------------------------------------------------------

/** Run one thing at a time; what goes wrong is shown, and the session is as before. */
async function exclusively(work) {
  if (busy) return;
  busy = true;
  setButtons();
  try {
    await work();
    complain(null);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status === 404) session = null;
    complain(error);
  } finally {
    busy = false;
    setButtons();
  }
}

async function begin() {
  await whenIdle();
  return exclusively(async () => {
    const old = session;
    const next = await api.create({
      prompt: $("prompt").value,
      model: $("model").value,
      temperature: Number($("temperature").value),
      top_k: Number($("top-k").value),
      ...seedSetting(),
    });
    if (old) api.end(old.id);
    story.begin(next.text);
    $("outcome").textContent = "Spin the wheel, or pick a token";
    show(next, true);
  });
}

function seedSetting() {
  const seed = $("seed");
  if (seed.value === "" || !seed.validity.valid) return {};
  return { seed: Number(seed.value) };
}

/** Add a token: the one given, or one that the wheel is spun for. */
function choose(tokenId) {
  if (!session) return undefined;
  return exclusively(async () => {
    const spun = tokenId === undefined;
    hurried = false;
    const next = await (spun ? api.spin(session.id) : api.pick(session.id, tokenId));
    const { chosen } = next;
    $("outcome").textContent = spun ? "…" : "";
    if (spun) await wheel.spinTo(chosen.position);
    const rank = wheel.highlight(chosen.token_id);
    rows[rank]?.button.classList.add("hit");
    const where = rank < 0 ? ", one of all others" : "";
    $("outcome").textContent =
      `${spun ? "The wheel chose" : "You picked"} ${quoted(chosen.text)} (${percent(chosen.probability)}${where})`;
    story.add(next.text, {
      colour: rank < 0 ? "others" : colourOf(rank),
      title: `${quoted(chosen.text)}: ${percent(chosen.probability)}, ${spun ? "spun" : "picked"}`,
    });
    showCount(next);
    if (spun) await look();
    show(next, true);
  });
}

/** A moment to see what was hit, unless somebody is in a hurry. */
function look() {
  if (hurried || wheel.still.matches) return Promise.resolve();
  return new Promise((resolve) => {
    wheel.finish = resolve;
    setTimeout(resolve, LOOK_MS);
  });
}

function undo() {
  if (!session || !story.length) return undefined;
  return exclusively(async () => {
    const next = await api.undo(session.id);
    story.undo();
    $("outcome").textContent = "Taken back";
    show(next, true);
  });
}

let wanted = null;
let changing = false;

/** Send new settings; while a change is under way only the latest one waits. */
async function change(settings) {
  if (!session) return;
  wanted = { ...wanted, ...settings };
  if (changing) return;
  changing = true;
  while (wanted && session) {
    await whenIdle();
    const sent = wanted;
    wanted = null;
    await exclusively(async () => {
      const next = await api.change(session.id, sent);
      // What was moved meanwhile must not jump back.
      show({ ...next, ...wanted }, false);
    });
  }
  changing = false;
}

/** Let what is under way come to its end without the show. */
async function whenIdle() {
  while (busy) {
    hurry();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function hurry() {
  hurried = true;
  wheel.finish();
}

// Wiring -----------------------------------------------------------------------------------------------------------

/** Wait until the chosen model can be used, and say what it is doing. */
async function waitForModel() {
  document.body.classList.add("loading");
  setButtons();
  for (;;) {
    const all = await api.models().catch((error) => (complain(error), []));
    const model = all.find((one) => one.name === $("model").value) ?? all[0];
    if (all.length && !$("model").options.length) listModels(all);
    if (model?.ready) break;
    if (model?.state === "failed") {
      $("outcome").textContent = `Model ${model.name} failed to load; the server's /health says why.`;
      return false;
    }
    $("outcome").textContent = model ? `Model ${model.name} is getting ready (${model.state}) …` : "Waiting …";
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  complain(null);
  document.body.classList.remove("loading");
  return true;
}

function listModels(all) {
  const wish = new URLSearchParams(location.search).get("model");
  $("model").replaceChildren(...all.map(({ name }) => new Option(name, name, false, name === wish)));
}

async function start() {
  if (await waitForModel()) await begin();
}

/** Settings in the page's address, so that a lesson can be handed on: ?prompt=…&seed=…&temperature=…&top_k=… */
function readAddress() {
  const given = new URLSearchParams(location.search);
  for (const [name, id] of Object.entries({ prompt: "prompt", seed: "seed", temperature: "temperature", top_k: "top-k" })) {
    if (given.has(name)) $(id).value = given.get(name);
  }
}

const typing = (element) => element.closest("textarea, select, input:not([type=range])");

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === " ") {
    // A button that has the focus is pressed by Space; the wheel's own does the same as Space anyway.
    if (event.target.closest("button, summary, a") && event.target !== $("spin")) return;
    event.preventDefault();
    if (!event.repeat) spinOrSkip();
  } else if (event.key === "Backspace") {
    event.preventDefault();
    undo();
  } else if (KEYS.includes(event.key) && !event.repeat) {
    const slice = session?.distribution.slices[KEYS.indexOf(event.key)];
    if (slice) choose(slice.token_id);
  }
}

function spinOrSkip() {
  if (busy) hurry();
  else choose();
}

function wire() {
  $("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  $("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      begin();
    }
  });
  $("spin").addEventListener("click", spinOrSkip);
  // Space on the wheel's button is taken care of in onKey; a second click by the browser would be a second spin.
  $("spin").addEventListener("keyup", (event) => event.key === " " && event.preventDefault());
  $("undo").addEventListener("click", undo);
  $("restart").addEventListener("click", begin);
  $("model").addEventListener("change", start);
  $("temperature").addEventListener("input", (event) => {
    setSlider("temperature", event.target.value, Number(event.target.value).toFixed(2));
    change({ temperature: Number(event.target.value) });
  });
  $("top-k").addEventListener("input", (event) => {
    setSlider("top-k", event.target.value, event.target.value);
    change({ top_k: Number(event.target.value) });
  });
  $("seed").addEventListener("change", () => change(seedSetting()));
  $("new-seed").addEventListener("click", () => {
    $("seed").value = Math.floor(Math.random() * 1e6);
    change(seedSetting());
  });
  document.addEventListener("keydown", onKey);
  addEventListener("pagehide", () => session && api.end(session.id));
  addEventListener("pageshow", (event) => event.persisted && start());
}

readAddress();
wire();
start();
