// Where on the stage the wires hang: one lane of comments a wire, poles at equal distances, a little sag between them.

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly lanes: number;
  /** The uppermost wire at its poles, and from one wire to the next. */
  readonly top: number;
  readonly pitch: number;
  readonly sag: number;
  /** From pole to pole. */
  readonly span: number;
  /** How high a comment is. */
  readonly pill: number;
}

export const LANES_MAX = 14;

export function geometryOf(width: number, height: number): Geometry {
  const isSmall = height < 420 || width < 560;
  const pitch = isSmall ? 40 : 50;
  const top = isSmall ? 84 : 118;
  const bottom = isSmall ? height - 108 : height * 0.8; // above the counters
  const lanes = Math.max(2, Math.min(LANES_MAX, Math.floor((bottom - top) / pitch) + 1));
  const span = isSmall ? 340 : 560;
  return { width, height, lanes, top, pitch, sag: isSmall ? 7 : 13, span, pill: isSmall ? 30 : 36 };
}

/** How far a wire hangs down at `x`, counted from a pole. */
export function sagAt(geometry: Geometry, x: number): number {
  const { span, sag } = geometry;
  const part = (((x % span) + span) % span) / span;
  return 4 * sag * part * (1 - part);
}
