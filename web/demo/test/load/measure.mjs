// What a trace of Chromium says about frames, and who used the processors meanwhile.
import { readFileSync, readdirSync } from "node:fs";

/** The value below which `part` of them lie; 1: the largest. */
export function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/**
 * From frame to frame of the page: everything that its main thread did, in ms on the wall's clock (`work`) and on the
 * processor's (`cpu`). A frame begins with the task that its animation callbacks run in. `pushes`: messages of WebSockets.
 */
export function framesOf(events) {
  const whole = events.filter(({ ph }) => ph === "X");
  const callbacks = whole.filter(({ name }) => name === "FireAnimationFrame");
  const main = commonest(callbacks.map(threadOf));
  const ticks = callbacks.filter((event) => threadOf(event) === main).map(({ ts }) => ts);
  const tasks = outermost(whole.filter((event) => event.name.endsWith("RunTask") && threadOf(event) === main));
  ticks.sort((a, b) => a - b);
  const [work, cpu] = [[], []];
  let tick = 0;
  for (const { ts, dur, tdur = dur } of tasks) {
    let isFrame = false;
    for (; tick < ticks.length && ticks[tick] < ts + dur; tick++) isFrame ||= ticks[tick] >= ts;
    if (isFrame) {
      work.push(0);
      cpu.push(0);
    }
    if (work.length === 0) continue; // before the first frame
    work[work.length - 1] += dur / 1_000;
    cpu[cpu.length - 1] += tdur / 1_000;
  }
  // the last one was cut by the end of the trace
  return { work: work.slice(0, -1), cpu: cpu.slice(0, -1), pushes: events.filter(({ name }) => name === "WebSocketReceive").length };
}

const threadOf = ({ pid, tid }) => `${pid} ${tid}`;

function commonest(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** Those that are not inside another one, in order. */
function outermost(tasks) {
  tasks.sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  let end = 0;
  return tasks.filter(({ ts, dur }) => {
    if (ts < end) return false;
    end = ts + dur;
    return true;
  });
}

/** Linux counts a process's time in these. */
const TICKS_PER_SECOND = 100;

/** What this process and those it started use of the processors, from now until it is read. */
export class Shares {
  #began = performance.now();
  #before = ticks();

  read() {
    const seconds = (performance.now() - this.#began) / 1_000;
    const shares = [...ticks()].map(([name, used]) => [name, (100 * (used - (this.#before.get(name) ?? 0))) / TICKS_PER_SECOND / seconds]);
    const told = shares.filter(([, share]) => share >= 0.5).sort((a, b) => b[1] - a[1]);
    return told.map(([name, share]) => `${name} ${share.toFixed(0)}`).join(", ");
  }
}

/** By what a process is: the browser's by their type. */
function ticks() {
  const all = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"));
      const fields = rest.split(" ");
      all.set(pid, { parent: fields[1], name: kindOf(pid, name), used: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // it ended while the list was read
    }
  }
  const sums = new Map();
  for (const [pid, { name, used }] of all) {
    if (isOurs(all, pid)) sums.set(name, (sums.get(name) ?? 0) + used);
  }
  return sums;
}

function kindOf(pid, name) {
  const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
  if (command.includes("crowd.mjs")) return "crowd";
  const type = /--type=([\w-]+)/.exec(command)?.[1];
  if (type !== undefined) return command.includes("NetworkService") ? "browser's network" : `browser's ${type}`;
  return command.includes("chromium") ? "browser" : Number(pid) === process.pid ? "test" : name;
}

function isOurs(all, pid) {
  for (let at = pid; at !== undefined && at !== "1"; at = all.get(at)?.parent) if (Number(at) === process.pid) return true;
  return false;
}
