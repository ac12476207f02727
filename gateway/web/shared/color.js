// Text on colours that people chose: statuses have any colour, and must be readable.

const CHANNELS = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;
const BLACK = '#000000';
const WHITE = '#ffffff';

function luminance(color) {
  const channels = CHANNELS.exec(color)?.slice(1) ?? ['00', '00', '00'];
  const [red, green, blue] = channels.map((hex) => {
    const value = Number.parseInt(hex, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast of two colours, 1 to 21, as WCAG 2 defines it. */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever is easier to read on this colour: 4.5 or more on every colour. */
export const readableOn = (color) => (contrast(color, WHITE) >= contrast(color, BLACK) ? WHITE : BLACK);

/** The colours of a status as custom properties, for `style`. */
export const statusColors = (color) => ({ '--status': color, '--on-status': readableOn(color) });
