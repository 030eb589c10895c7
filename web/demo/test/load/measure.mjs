// What a trace of Chromium says about frames, and who used the processors meanwhile.
import { readFileSync, readdirSync } from "node:fs";

/** The value below which `part` of them lie; 1: the largest. */
export function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/** The least of a trace that frames and their work can be told from. */
export const CATEGORIES = ["toplevel", "blink.user_timing", "__metadata"];
export const FRAME = "frame of the page";

/** Runs in the page: marks each frame in the trace, and keeps its time. */
export function markFrames(name) {
  globalThis.frames_ = [];
  const frame = (time) => {
    globalThis.frames_.push(time);
    performance.mark(name);
    performance.clearMarks(name);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/**
 * From frame to frame of the page: everything that its main thread did, in ms on the wall's clock (`work`) and on the
 * processor's (`cpu`). A frame begins with the task that its animation callbacks run in.
 */
export function framesOf(events) {
  const marks = events.filter(({ cat, name }) => cat === "blink.user_timing" && name === FRAME);
  const main = marks[0] && threadOf(marks[0]);
  const ticks = marks.map(({ ts }) => ts).sort((a, b) => a - b);
  const tasks = outermost(events.filter((event) => event.ph === "X" && event.name.endsWith("RunTask") && threadOf(event) === main));
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
  return { work: work.slice(0, -1), cpu: cpu.slice(0, -1) };
}

const threadOf = ({ pid, tid }) => `${pid} ${tid}`;

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

/** Bytes in memory of the largest of the browser's processes of a type: the others are spare. */
export function residentOf(type) {
  const all = processes();
  const sizes = [...all].filter(([pid, { name }]) => name === `browser's ${type}` && isOurs(all, pid)).map(([pid]) => residentBytes(pid));
  return Math.max(0, ...sizes);
}

/** What is its own or written by it: not the files that it maps. */
function residentBytes(pid) {
  const [, kib] = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kib ?? 0) * 1_024;
}

/** By what a process is: the browser's by their type. */
function ticks() {
  const all = processes();
  const sums = new Map();
  for (const [pid, { name, used }] of all) {
    if (isOurs(all, pid)) sums.set(name, (sums.get(name) ?? 0) + used);
  }
  return sums;
}

function processes() {
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
  return all;
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
