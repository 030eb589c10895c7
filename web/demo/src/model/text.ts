// What other people wrote, made fit to be shown: one line, no control characters, nothing that turns the text around it.
//
// Never returns markup: everything is shown as text.

/** Characters of a name that are shown. */
export const NAME_MAX = 40;

/** Controls, bidirectional overrides, and what has no width but joiners, which emoji and scripts need. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** At most `max` characters of `text` on one line. */
export function line(text: string, max: number): string {
  // looked at before it is cleaned, so that a long text costs no more than a short one
  const clean = text.slice(0, max * 4).replace(UNSEEN, " ").replace(/\s+/g, " ").trim();
  const characters = Array.from(clean);
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : clean;
}

const ENCODER = new TextEncoder();

/** A name that the protocol can carry (1 to 128 bytes of UTF-8 without control characters), or undefined. */
export function id(text: string): string | undefined {
  const clean = text.trim().normalize("NFC");
  const bytes = ENCODER.encode(clean).length;
  return bytes >= 1 && bytes <= 128 && !/[\u0000-\u001f\u007f-\u009f]/.test(clean) ? clean : undefined;
}

/** A number from a name, the same on every screen: who has which colour. */
export function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // the low bits decide, so all others have a say in them
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The first character of a name, for its badge. */
export function initial(name: string): string {
  return (Array.from(name.trim())[0] ?? "?").toLocaleUpperCase();
}
