// Good and scrap over time, as steps: a total stays until the next one is reported.
import uPlot from '../../vendor/uplot.js';
import { html, useEffect, useRef } from '../../shared/html.js';
import { lang, number, t } from '../../shared/i18n.js';
import { timeOfDay } from '../widgets/moments.js';

const HEIGHT_PX = 240;
const WIDTH_MIN_PX = 240;
/** Room for a time with seconds. */
const TICK_SPACE_PX = 84;

/** The plot. Its figures are in the list of events, for those who do not see it. */
export function TotalsPlot({ totals }) {
  const box = useRef(null);
  const plot = useRef(null);
  const language = lang.value;
  useEffect(() => {
    plot.current = new uPlot(optionsFor(box.current), totals, box.current);
    const observer = new ResizeObserver(([entry]) => plot.current.setSize({ width: widthOf(entry.contentRect.width), height: HEIGHT_PX }));
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [language]);
  useEffect(() => plot.current?.setData(totals), [totals]);
  return html`<div class="plot" dir="ltr" ref=${box} role="img" aria-label=${t('admin.session.plot')}></div>`;
}

const widthOf = (pixels) => Math.max(Math.floor(pixels), WIDTH_MIN_PX);

function optionsFor(element) {
  const style = getComputedStyle(element);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: color('--ink-2'), grid: { stroke: color('--line'), width: 1 }, ticks: { stroke: color('--line') } };
  const shared = { width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } };
  const written = (_, value) => (value === null ? '–' : number(value));
  const line = (label, stroke, dash) => ({ ...shared, label, stroke, dash, value: written });
  return {
    width: widthOf(element.clientWidth),
    height: HEIGHT_PX,
    cursor: { drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.05, 1)] } },
    axes: [
      { ...axis, space: TICK_SPACE_PX, values: (_, ticks, _axis, _space, step) => ticks.map((at) => timeOfDay(at * 1_000, step < 60)) },
      { ...axis, size: 70, values: (_, ticks) => ticks.map((value) => (Number.isInteger(value) ? number(value) : '')) },
    ],
    series: [
      { label: t('admin.session.time'), value: (_, at) => (at === null ? '–' : timeOfDay(at * 1_000, true)) },
      line(t('admin.good'), color('--ok')),
      line(t('admin.scrap'), color('--danger'), [6, 4]),
    ],
  };
}
