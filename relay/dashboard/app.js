// The first page: asks /api/status and /api/dead, and shows what they say. Every value goes in as text (textContent),
// never as markup: topics, keys and messages were written by others.
"use strict";

const kPollMs = 1000;        // while the page is visible
const kDeadPollMs = 2000;
const kAnswerWithinMs = 4000;
const kStaleAfterMs = 4500;
const kSparkPoints = 90;

const byId = (id) => document.getElementById(id);

// make("div", "card", child, "text", …)
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return element;
}

function chip(kind, text) {
  return make("span", kind ? "chip " + kind : "chip", text);
}

const count = (value) => Number(value).toLocaleString("en");

// [["1", "min"], ["34", "s"]]: the two largest units that are not zero.
function durationParts(ms) {
  let s = Math.max(0, Math.floor(ms / 1000));
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const amount = Math.floor(s / size);
    s -= amount * size;
    const isSecondsOfHours = unit === "s" && parts.length > 0 && parts[0][1] !== "min";
    if (amount > 0 && parts.length < 2 && !isSecondsOfHours) parts.push([String(amount), unit]);
    if (parts.length > 0 && parts[0][1] === "d" && unit === "h") break;
  }
  return parts.length > 0 ? parts : [["0", "s"]];
}

function duration(ms) {
  return durationParts(ms).map((part) => part.join(" ")).join(" ");
}

// When something was, as the age that people ask for, with the exact time to be seen on hovering.
function ago(ms, suffix) {
  const age = serverNow() - ms;
  const element = make("span", "", suffix && age < 1000 ? "just now" : duration(age) + (suffix || ""));
  const date = new Date(ms);
  if (!Number.isNaN(date.getTime())) element.title = date.toISOString();
  return element;
}

// ---- What is known -------------------------------------------------------------------------------------------------

let status = null;           // the last /api/status
let received = 0;            // when, on performance.now()
let lastProblem = "";
let deadText = "";           // the last /api/dead as text, so that an unchanged table is left alone
let startedMs = null;
const sparks = new Map();    // source → rates, as seen from poll to poll
const totals = new Map();    // source → {total, at}

// By the relay's own clock, so that a browser elsewhere with another time shows true ages.
function serverNow() {
  return status ? status.now_ms + (performance.now() - received) : Date.now();
}

function noteRates() {
  if (startedMs !== status.started_ms) {  // another process: its counters began anew
    startedMs = status.started_ms;
    totals.clear();
  }
  for (const source of status.sources) {
    const before = totals.get(source.name);
    totals.set(source.name, { total: source.delivered_total, at: status.now_ms });
    if (!before || status.now_ms <= before.at || source.delivered_total < before.total) continue;
    const rates = sparks.get(source.name) || [];
    rates.push(((source.delivered_total - before.total) * 1000) / (status.now_ms - before.at));
    if (rates.length > kSparkPoints) rates.shift();
    sparks.set(source.name, rates);
  }
}

// ---- Drawing -------------------------------------------------------------------------------------------------------

function sparkline(rates) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 120 40");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const highest = Math.max(1, ...rates);
  svg.setAttribute("aria-label", "deliveries a second while this page was open, at most " + count(Math.round(highest)));
  const base = document.createElementNS(ns, "polyline");
  base.setAttribute("class", "base");
  base.setAttribute("points", "0,39 120,39");
  svg.append(base);
  if (rates.length < 2) return svg;
  const step = 120 / (kSparkPoints - 1);
  const first = 120 - (rates.length - 1) * step;
  const points = rates.map((rate, i) => (first + i * step).toFixed(2) + "," + (38 - (rate / highest) * 35).toFixed(2));
  const area = document.createElementNS(ns, "polygon");
  area.setAttribute("class", "area");
  area.setAttribute("points", first.toFixed(2) + ",40 " + points.join(" ") + " 120,40");
  const line = document.createElementNS(ns, "polyline");
  line.setAttribute("class", "line");
  line.setAttribute("points", points.join(" "));
  const title = document.createElementNS(ns, "title");
  title.textContent = "since this page was opened; highest " + count(Math.round(highest)) + "/s";
  svg.append(title, area, line);
  return svg;
}

// `parts` are pairs of a number and its unit; "" where there is none.
function figure(label, parts, extra) {
  const number = make("div", "value");
  for (const [value, unit] of parts) number.append(value, make("span", "unit", " " + unit + " "));
  const box = make("div", extra ? "figure wide" : "figure", make("div", "label", label));
  box.append(extra ? make("div", "rate", number, extra) : number);
  return box;
}

const kStates = [
  ["pending", "Ready", "waiting, nothing in their way", ""],
  ["in_flight", "In flight", "given to the sink, not yet marked", ""],
  ["held", "Held", "an earlier row of the same key is in their way", "warn"],
  ["retrying", "Retrying", "failed, waiting for the next attempt", "warn"],
  ["unclear", "Unclear", "not confirmed yet: the owner is asked", ""],
  ["dead", "Dead", "given up: retry limit reached, or check-back unresolved", "bad"],
];

function stateList(counts) {
  const list = make("dl", "states");
  for (const [name, label, meaning, kind] of kStates) {
    const value = counts ? counts[name] : null;
    const box = make("div", value ? kind : "zero", make("dt", "", label));
    box.append(make("dd", "", value === null ? "–" : count(value)));
    box.title = meaning;
    list.append(box);
  }
  return list;
}

function ownership(source) {
  if (source.owner) return chip("good", "owner, epoch " + source.epoch);
  return chip("", source.state.startsWith("standby") ? "not owner" : "not owner, epoch " + source.epoch);
}

function stateChip(source) {
  if (source.state.startsWith("running")) return chip("good", source.state);
  if (source.state.startsWith("standby")) return chip("", source.state);
  return chip("warn", source.state || "starting");
}

function databaseChip(source) {
  if (source.database_up) return chip("good", "database up");
  // Neither up nor an error: it has not been asked yet.
  return source.database_error ? chip("bad", "database down") : chip("", "database not asked yet");
}

function oldest(source) {
  if (source.oldest_pending_ms === null) return figure("Oldest waiting", [[source.counts ? "none" : "–", ""]]);
  return figure("Oldest waiting", durationParts(serverNow() - source.oldest_pending_ms));
}

function waitingTotal(counts) {
  return counts.pending + counts.in_flight + counts.held + counts.retrying + counts.unclear;
}

function sourceCard(source) {
  const top = make("div", "top", make("span", "name", source.name), make("span", "table", source.table));
  top.append(stateChip(source), ownership(source), databaseChip(source));
  const card = make("article", "card", top);
  if (source.database_error) card.append(make("p", "reason", source.database_error));

  const rate = source.delivered_per_second;
  const rateText = rate >= 10 || rate === 0 ? count(Math.round(rate)) : rate.toFixed(1);
  const figures = make("div", "figures", figure("Delivered", [[rateText, "/s"]], sparkline(sparks.get(source.name) || [])));
  figures.append(figure("Waiting", [[source.counts ? count(waitingTotal(source.counts)) : "–", ""]]), oldest(source));
  card.append(figures, stateList(source.counts));

  const foot = make("p", "foot", count(source.delivered_total) + " delivered since the relay started");
  if (source.last_delivery_ms !== null) foot.append(", the last one ", ago(source.last_delivery_ms, " ago"));
  foot.append(" · " + count(source.failed_attempts_total) + " failed attempts");
  if (source.open_gaps > 0) foot.append(" · " + count(source.open_gaps) + " open id gaps");
  foot.append(source.counts_age_ms === null ? " · not counted yet" : " · counted " + duration(source.counts_age_ms + serverNow() - status.now_ms) + " ago");
  card.append(foot);
  return card;
}

function alertCard(alert) {
  const where = [alert.source, alert.topic].filter((part) => part).join(" · ");
  const about = alert.rows > 0 ? where + " · " + count(alert.rows) + (alert.rows === 1 ? " row" : " rows") : where;
  const card = make("article", "card alert", make("span", "kind", alert.error_class.replaceAll("_", " ")));
  card.append(make("span", "where", about));
  card.append(alert.since_ms === null ? make("span", "when") : make("span", "when", "for ", ago(alert.since_ms)));
  card.append(make("div", "message", alert.message));
  return card;
}

function sinkItem(sink) {
  const item = make("div", "item", make("span", "name", sink.name), chip(sink.up ? "good" : "bad", sink.up ? "up" : "down"));
  item.append(make("span", "where", sink.bootstrap_servers));
  if (!sink.up && sink.reason) item.append(make("span", "why", sink.reason));
  return item;
}

function drawStatus() {
  byId("alerts").replaceChildren(...status.alerts.map(alertCard));
  byId("alerts").hidden = status.alerts.length === 0;
  byId("sources").replaceChildren(...status.sources.map(sourceCard));
  byId("sinks").replaceChildren(...status.sinks.map(sinkItem));
  const about = byId("about");
  about.replaceChildren("version " + status.version);
  if (status.started_ms !== null) about.append(" · running for ", ago(status.started_ms));
  const alerts = status.alerts.length;
  document.title = (alerts > 0 ? "(" + alerts + (alerts === 1 ? " alert" : " alerts") + ") " : "") + "Outbox Relay";
}

function deadTable(sources) {
  const many = sources.length > 1;
  const head = make("tr", "");
  const columns = [many && "Source", "Id", "Topic", "Key", "Attempts", "Why", "Created"].filter((name) => name);
  for (const name of columns) head.append(make("th", name === "Attempts" ? "number" : "", name));
  const body = make("tbody", "");
  for (const source of sources) {
    for (const row of source.rows) {
      const line = make("tr", "");
      if (many) line.append(make("td", "short", source.name));
      line.append(make("td", "short", row.id), make("td", "topic", row.topic));
      line.append(row.key === "" ? make("td", "key none", "–") : make("td", "key", row.key));
      const tries = make("td", "number", row.attempts);
      if (row.checks > 0) tries.title = row.checks + " check-backs";
      const created = new Date(row.created_ms);
      const isDate = !Number.isNaN(created.getTime());
      const when = make("td", "short", isDate ? created.toLocaleString("sv") : "–");
      if (isDate) when.title = created.toISOString();
      line.append(tries, make("td", "message", row.fail_msg), when);
      body.append(line);
    }
  }
  return make("table", "", make("thead", "", head), body);
}

function drawDead(sources) {
  const parts = [];
  for (const source of sources) {
    const age = source.age_ms !== null ? "; these are " + duration(source.age_ms) + " old" : "";
    if (source.error) parts.push(make("p", "empty", "Dead rows of " + source.name + " cannot be read: " + source.error + age));
  }
  if (sources.some((source) => source.rows.length > 0)) parts.push(deadTable(sources));
  else if (sources.every((source) => source.age_ms === null)) parts.push(make("p", "empty", "Being read …"));
  else if (parts.length === 0) parts.push(make("p", "empty", "None. No message has been given up."));
  byId("dead").replaceChildren(...parts);
}

// Runs even when no answer comes: silence must show.
function drawLink() {
  const link = byId("link");
  const banner = byId("banner");
  const age = performance.now() - received;
  const isStale = !status || age > kStaleAfterMs;
  document.body.classList.toggle("stale", isStale);
  link.className = isStale ? "chip bad" : "chip good";
  link.textContent = isStale ? (status ? "stale" : "no answer") : "live";
  banner.hidden = !isStale || (!status && !lastProblem);
  if (isStale && status)
    banner.textContent = "The relay has not answered for " + duration(age) + ". What stands below is how it was then.";
  else if (isStale) banner.textContent = "The relay does not answer: " + lastProblem;
}

// ---- Asking --------------------------------------------------------------------------------------------------------

async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(kAnswerWithinMs) });
  if (!answer.ok) throw new Error("it answered " + answer.status);
  return answer.text();
}

async function pollStatus() {
  try {
    status = JSON.parse(await get("/api/status"));
    received = performance.now();
    lastProblem = "";
    noteRates();
    drawStatus();
  } catch (problem) {
    lastProblem = problem instanceof TypeError ? "it cannot be reached" : problem.message;
  }
  drawLink();
}

async function pollDead() {
  try {
    const text = await get("/api/dead");
    const sources = JSON.parse(text).sources;
    // The ages change with every answer; the table is drawn anew only when a row did, so that a selection stays.
    const content = JSON.stringify(sources, (name, value) => (name === "age_ms" && value !== null ? 0 : value));
    if (content === deadText && !sources.some((source) => source.error)) return;
    deadText = content;
    drawDead(sources);
  } catch (problem) {
    // drawLink() tells what is wrong with the relay; the table stays as it was.
  }
}

// One question at a time, the next one a while after the answer; none while nobody looks.
function repeat(ask, pauseMs) {
  let timer = 0;
  let isAsking = false;
  const round = async () => {
    clearTimeout(timer);
    if (document.hidden || isAsking) return;
    isAsking = true;
    await ask();
    isAsking = false;
    timer = setTimeout(round, pauseMs);
  };
  document.addEventListener("visibilitychange", round);
  round();
}

repeat(pollStatus, kPollMs);
repeat(pollDead, kDeadPollMs);
setInterval(drawLink, 1000);
