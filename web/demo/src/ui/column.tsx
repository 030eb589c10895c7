// The conversation: what was said, newest at the bottom. Stays at the bottom until the reader scrolls up.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../model/chat.js";
import type { Chunk, Line } from "../model/feed.js";
import { hash, initial } from "../model/text.js";
import { language, words } from "../settings.js";
import { GiftIcon, Icon } from "./icons.js";

/** This near to the end counts as the end. */
const NEAR_PX = 48;
/** More messages a second than this are not read out: a screen reader would never end. */
const READ_OUT_MAX = 4;
/** A flood is spoken of this often. */
const SUMMARY_MS = 15_000;

const CLOCK = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });
const NUMBER = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB");

export function Column({ chat }: { chat: Chat }) {
  const chunks = chat.feed.chunks.value;
  const scroller = useRef<HTMLDivElement>(null);
  const foot = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (isAtEnd && box) box.scrollTop = box.scrollHeight;
  }, [chunks, isAtEnd]);
  useEffect(() => {
    // asked instead of measured: to measure, all that changed would have to be laid out at once
    const observer = new IntersectionObserver(([entry]) => entry && setAtEnd(entry.isIntersecting), {
      root: scroller.current,
      rootMargin: `0px 0px ${NEAR_PX}px`,
    });
    if (foot.current) observer.observe(foot.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    // a column that gets lower (gifts unfold, a keyboard comes) has not been scrolled: this comes before the end is looked for
    const observer = new ResizeObserver(([entry]) => isAtEnd && entry?.target.scrollTo(0, entry.target.scrollHeight));
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [isAtEnd]);
  const isFlood = chat.rate.value > READ_OUT_MAX;
  return (
    <div class={`column${isFlood ? " flood" : ""}`}>
      <div
        class="lines"
        ref={scroller}
        role="log"
        aria-label={words.conversation}
        aria-live={isFlood ? "off" : "polite"}
        tabIndex={0}
      >
        <div class="hush">
          <Icon name="hash" />
          <h2>{chat.room.value}</h2>
          <p>{words.hush}</p>
        </div>
        {chunks.map((chunk) => (
          <Lines key={chunk.key} chunk={chunk} />
        ))}
        <div class="foot" ref={foot} />
      </div>
      {!isAtEnd && (
        <button type="button" class="to-end" onClick={() => setAtEnd(true)}>
          <Icon name="down" />
          {words.newest}
        </button>
      )}
      <Summary chat={chat} />
    </div>
  );
}

/** For those who listen: that much is going on, now and then. */
function Summary({ chat }: { chat: Chat }) {
  const [text, setText] = useState("");
  useEffect(() => {
    const timer = setInterval(() => {
      const rate = chat.rate.peek();
      setText(rate > READ_OUT_MAX ? words.flood(NUMBER.format(rate)) : "");
    }, SUMMARY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}

const Lines = memo(({ chunk }: { chunk: Chunk }) => (
  <div class="chunk">
    {chunk.lines.map((line) => (
      <Row key={line.key} line={line} />
    ))}
  </div>
));

const Row = memo(({ line }: { line: Line }) => {
  if (line.kind === "note") {
    return (
      <p class={`note ${line.note}`}>{words.notes[line.note]}</p>
    );
  }
  const hue = hash(line.from) % 8;
  const said = line.kind === "gift" ? words.gave(words.gift[line.gift ?? "box"]) : line.text;
  return (
    <div class={`row ${line.kind}${line.own ? " own" : ""}${line.refused ? " refused" : ""}`}>
      <span class={`badge hue-${hue}`} aria-hidden="true">
        {initial(line.name)}
      </span>
      <div class="row-body">
        <p class="row-head">
          <bdi class={`name hue-${hue}`}>{line.name}</bdi>
          {line.own && <span class="own-mark">{words.you}</span>}
          <time dateTime={new Date(line.time).toISOString()}>{CLOCK.format(line.time)}</time>
        </p>
        <p class="text" dir="auto">
          {line.kind === "gift" && <GiftIcon gift={line.gift ?? "box"} />}
          <span>{said}</span>
          {(line.times ?? 1) > 1 && <strong class="times">×{line.times}</strong>}
        </p>
        {line.refused && <p class="why">{words.refused(words.why[line.refused] ?? line.refused)}</p>}
      </div>
    </div>
  );
});

/** What came, and what became of it: always a sum. */
export function Meter({ chat }: { chat: Chat }) {
  const { received, shown, thinned } = chat.counts.value;
  const rate = chat.rate.value;
  return (
    <dl class={`meter glass${thinned > 0 ? " thinning" : ""}`} title={words.countsHint}>
      <Part name="rate" label={words.perSecond} value={rate} />
      <Part name="received" label={words.received} value={received} />
      <Part name="shown" label={words.shown} value={shown} />
      <Part name="thinned" label={words.thinned} value={thinned} />
    </dl>
  );
}

function Part({ name, label, value }: { name: string; label: string; value: number }) {
  return (
    <div class={`part ${name}`}>
      <dt>{label}</dt>
      <dd data-value={value}>{NUMBER.format(value)}</dd>
    </div>
  );
}
