// The picture of a session's statuses over time: zoomed and moved by mouse, finger or keyboard. Time runs from left to
// right in every language, as on the clocks and plots of the floor.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { Status, statusColors, statusOf } from '../widgets/status.js';
import { duration, timeOfDay } from '../widgets/moments.js';
import { marksOf } from './axis.js';
import { IntervalDetails } from './interval.js';

const ZOOM_MAX = 64;
const ZOOM_STEP = 2;
const BAR_TOP = 28;
const BAR_HEIGHT = 64;
const HEIGHT = BAR_TOP + BAR_HEIGHT + 4;
/** Intervals of no length are still drawn. */
const WIDTH_MIN_PX = 3;
/** Room a letter takes, for whether a label fits. */
const LETTER_PX = 8;

/** The picture, what is under the pointer or the focus, and the buttons to zoom. */
export function Timeline({ intervals, unproven }) {
  const scroller = useRef(null);
  const [zoom, setZoom] = useState(1);
  const [selected, setSelected] = useState(null);
  const width = useWidth(scroller) * zoom;
  const zoomTo = useZoom(scroller, zoom, setZoom);
  const [from, to] = [intervals[0].from, Math.max(intervals[0].from + 1, ...intervals.map((one) => one.to))];
  const chosen = intervals.find((one) => one.id === selected);
  const onKey = (event) => moveByKey(event, { intervals, selected, setSelected, zoom, zoomTo, scroller });
  return html`<div class="timeline">
    <div class="timeline-tools" role="group" aria-label=${t('admin.timeline.tools')}>
      <button type="button" class="secondary icon-only" aria-label=${t('admin.timeline.zoom_in')} disabled=${zoom >= ZOOM_MAX}
        onClick=${() => zoomTo(zoom * ZOOM_STEP)}><span aria-hidden="true">+</span></button>
      <button type="button" class="secondary icon-only" aria-label=${t('admin.timeline.zoom_out')} disabled=${zoom <= 1}
        onClick=${() => zoomTo(zoom / ZOOM_STEP)}><span aria-hidden="true">−</span></button>
      <button type="button" class="secondary" disabled=${zoom === 1} onClick=${() => zoomTo(1)}>
        ${t('admin.timeline.whole')}</button>
    </div>
    <div class="timeline-scroll" ref=${scroller} dir="ltr" onKeyDown=${onKey}>
      <svg class="timeline-picture" role="group" aria-label=${t('admin.timeline.label', { n: intervals.length })} height=${HEIGHT}
        style=${{ width: `${zoom * 100}%` }}>
        <defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="8" height="8" class="hatch-ground" /><rect width="3" height="8" class="hatch-line" /></pattern></defs>
        <${Marks} from=${from} to=${to} width=${width} />
        ${intervals.map((one, index) => html`<${Bar} key=${one.id} interval=${one} from=${from} to=${to} width=${width}
          isEntry=${selected ? selected === one.id : index === 0} isSelected=${selected === one.id}
          isPlain=${Boolean(unproven) && one.from >= unproven.from}
          onSelect=${() => setSelected(one.id)} />`)}
        ${unproven && html`<rect class="unproven" data-testid="unproven" x=${share(unproven.from, from, to)}
          width=${span(unproven, from, to)} y=${BAR_TOP} height=${BAR_HEIGHT} fill="url(#hatch)">
          <title>${t('admin.timeline.unproven')}</title></rect>`}
      </svg>
    </div>
    ${unproven && html`<p class="hint legend-unproven"><svg class="legend-hatch" aria-hidden="true">
      <rect width="100%" height="100%" fill="url(#hatch)" /></svg>
      ${t('admin.timeline.unproven_text', { time: duration(unproven.to - unproven.from) })}</p>`}
    <div class="timeline-details" aria-live="polite">
      ${chosen ? html`<${IntervalDetails} interval=${chosen} />` : html`<p class="hint">${t('admin.timeline.hint')}</p>`}</div>
  </div>`;
}

const share = (at, from, to) => `${((at - from) / (to - from)) * 100}%`;
const span = (part, from, to) => `${((part.to - part.from) / (to - from)) * 100}%`;

function Marks({ from, to, width }) {
  const { step, marks } = marksOf(from, to, width);
  return html`<g class="marks" aria-hidden="true">${marks.map((at) => html`<g key=${at}>
    <line x1=${share(at, from, to)} x2=${share(at, from, to)} y1="18" y2=${HEIGHT} />
    <text x=${share(at, from, to)} y="13" dx="3">${timeOfDay(at, step < 60_000)}</text></g>`)}</g>`;
}

/** `isPlain`: without its label, as something is drawn over it. */
function Bar({ interval, from, to, width, isEntry, isSelected, isPlain, onSelect }) {
  const { color, text } = statusOf(interval.status);
  const pixels = Math.max(((interval.to - interval.from) / (to - from)) * width, WIDTH_MIN_PX);
  const size = pixels > WIDTH_MIN_PX ? span(interval, from, to) : WIDTH_MIN_PX;
  const [began, ended] = [timeOfDay(interval.from, true), timeOfDay(interval.to, true)];
  const heard = t('admin.timeline.interval', { status: text, from: began, to: ended, time: duration(interval.to - interval.from) });
  return html`<g class=${isSelected ? 'bar selected' : 'bar'} role="img" aria-label=${heard} tabindex=${isEntry ? 0 : -1}
    data-interval=${interval.id} style=${statusColors(color)} onFocus=${onSelect} onPointerEnter=${onSelect} onClick=${onSelect}>
    <rect x=${share(interval.from, from, to)} width=${size} y=${BAR_TOP} height=${BAR_HEIGHT} />
    ${!isPlain && pixels > text.length * LETTER_PX + 12 && html`<text x=${share(interval.from, from, to)} dx="6"
      y=${BAR_TOP + BAR_HEIGHT / 2 + 5}>${text}</text>`}
  </g>`;
}

function useWidth(element) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Zooms around the middle of what is seen, or around the pointer with Ctrl and the wheel. */
function useZoom(scroller, zoom, setZoom) {
  const keep = useRef(null);
  const zoomTo = (wanted, atPx) => {
    const next = Math.min(Math.max(wanted, 1), ZOOM_MAX);
    const box = scroller.current;
    const at = atPx ?? box.clientWidth / 2;
    keep.current = { share: (box.scrollLeft + at) / box.scrollWidth, at };
    setZoom(next);
  };
  useLayoutEffect(() => {
    const box = scroller.current;
    if (keep.current) box.scrollLeft = keep.current.share * box.scrollWidth - keep.current.at;
  }, [zoom]);
  useEffect(() => {
    const box = scroller.current;
    const onWheel = (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(event.deltaY < 0 ? zoom * ZOOM_STEP : zoom / ZOOM_STEP, event.clientX - box.getBoundingClientRect().left);
    };
    box.addEventListener('wheel', onWheel, { passive: false });
    return () => box.removeEventListener('wheel', onWheel);
  }, [zoom]);
  return zoomTo;
}

/** Arrows go from interval to interval, plus and minus zoom. */
function moveByKey(event, { intervals, selected, setSelected, zoom, zoomTo, scroller }) {
  const index = Math.max(0, intervals.findIndex((one) => one.id === selected));
  const goal = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: intervals.length - 1 }[event.key];
  if (goal !== undefined) {
    const one = intervals[Math.min(Math.max(goal, 0), intervals.length - 1)];
    setSelected(one.id);
    const bar = scroller.current.querySelector(`[data-interval="${CSS.escape(one.id)}"]`);
    bar?.focus();
    bar?.scrollIntoView({ block: 'nearest', inline: 'center' });
  } else if (event.key === '+' || event.key === '=') zoomTo(zoom * ZOOM_STEP);
  else if (event.key === '-') zoomTo(zoom / ZOOM_STEP);
  else return;
  event.preventDefault();
}

/** Time in each status. */
export function StatusSums({ sums }) {
  return html`<ul class="sums" role="list">${sums.map(({ status, ms }) => html`<li key=${status ?? ''}>
    <${Status} code=${status} /> <span class="tabular">${duration(ms)}</span></li>`)}</ul>`;
}
