// The job number, for one station. Opening is asked for with one command id for as long as the number stays the same: a
// press that seems lost is made again without opening twice.
import { html, useEffect, useRef, useState } from '../../shared/html.js';
import { post } from '../../shared/api.js';
import { t } from '../../shared/i18n.js';
import { newId } from '../../shared/ids.js';
import { recall, remember } from '../../shared/storage.js';
import { workerId } from '../identity.js';
import { drain } from '../queue/drain.js';
import { go, parameter, path } from '../router.js';
import { look, opened } from '../whereabouts.js';
import { Icon } from '../widgets/icon.js';
import { Keypad } from '../widgets/keypad.js';
import { Page } from '../widgets/page.js';
import { Loading, Problem } from '../widgets/problem.js';
import { useStations } from './stations.js';

const NUMBER_MAX = 64;
const RECENT_MAX = 4;
const RECENT_AS = 'andon.jobs';

function recentJobs() {
  try {
    const list = JSON.parse(recall(RECENT_AS) ?? '[]');
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string').slice(0, RECENT_MAX) : [];
  } catch {
    return [];
  }
}

const noteJob = (job) => remember(RECENT_AS, JSON.stringify([job, ...recentJobs().filter((one) => one !== job)].slice(0, RECENT_MAX)));

/** Opens a session at the station. */
function useOpen(station) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const key = useRef({ of: '', id: '' });
  const open = async (jobNumber) => {
    if (busy || jobNumber === '') return;
    if (key.current.of !== jobNumber) key.current = { of: jobNumber, id: newId() };
    setBusy(true);
    setError(null);
    try {
      // What was pressed in a session before belongs to that one: it goes first.
      await drain();
      const { session, job } = await post('/api/jobs', { workerId: workerId.peek(), stationId: station.id, jobNumber }, { idempotencyKey: key.current.id });
      noteJob(job.job_number);
      opened(session, station, job);
      void look();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return { busy, error, open };
}

/** The step. */
export function JobPage() {
  const { data, error, reload } = useStations();
  const station = data?.stations.find((one) => one.id === parameter(path.value));
  return html`<${Page} name="job" title=${t('worker.job.title')} takesFocus=${false}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && !station && html`<${Problem} text=${t('worker.job.not_yours')} />`}
    ${station && html`<${JobForm} station=${station} />`}
    <footer class="step-foot"><button type="button" class="secondary" onClick=${() => go('/stations', { replace: true })}>${t('worker.job.other_station')}</button></footer>
  <//>`;
}

function JobForm({ station }) {
  const [job, setJob] = useState('');
  const [letters, setLetters] = useState(false);
  const input = useRef(null);
  const { busy, error, open } = useOpen(station);
  const put = (character) => setJob((before) => (before + character).slice(0, NUMBER_MAX));
  // A scanner types into it; the keyboard of the screen stays away until letters are asked for.
  useEffect(() => input.current?.focus(), []);
  const write = () => {
    setLetters(true);
    // Once the keyboard may come up, the field calls it.
    requestAnimationFrame(() => input.current?.focus());
  };
  const submit = (event) => {
    event.preventDefault();
    open(job.trim());
  };
  const crew = station.occupied_by;
  return html`<form class="job" onSubmit=${submit} noValidate>
    <p class="job-station"><bdi>${station.name}</bdi> <span class="hint"><bdi>${station.code}</bdi></span></p>
    ${crew.length > 0 && html`<p class="hint crew"><${Icon} name="people" />${t('worker.job.crew', { names: crew.map((one) => one.worker_name).join(', ') })}</p>`}
    <div class="field">
      <label for="job">${t('worker.job.number')}</label>
      <input id="job" ref=${input} class="readout" dir="ltr" inputmode=${letters ? 'text' : 'none'} autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength=${NUMBER_MAX}
        value=${job} onInput=${(event) => setJob(event.currentTarget.value)} />
    </div>
    ${error && html`<${Problem} error=${error} />`}
    <${Recent} onChoose=${setJob} />
    ${!letters && html`<${Keypad} onKey=${put} onErase=${() => setJob((before) => before.slice(0, -1))} extra="-" />`}
    ${!letters && html`<button type="button" class="quiet" onClick=${write}>${t('worker.job.letters')}</button>`}
    <button type="submit" class="primary big" disabled=${busy || job.trim() === ''}>${busy ? t('worker.job.busy') : t('worker.job.open')}</button>
  </form>`;
}

function Recent({ onChoose }) {
  const recent = recentJobs();
  if (recent.length === 0) return null;
  return html`<div class="recent" role="group" aria-label=${t('worker.job.recent')}><span class="hint" aria-hidden="true">${t('worker.job.recent')}</span>
    ${recent.map((one) => html`<button key=${one} type="button" class="secondary" onClick=${() => onChoose(one)}><bdi>${one}</bdi></button>`)}</div>`;
}
