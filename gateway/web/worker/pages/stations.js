// The worker's stations, and who works there now. Several may work at one.
import { html, useEffect } from '../../shared/html.js';
import { get } from '../../shared/api.js';
import { t } from '../../shared/i18n.js';
import { workerId } from '../identity.js';
import { go } from '../router.js';
import { tell, untold } from '../whereabouts.js';
import { why } from './closed.js';
import { useLoad } from '../widgets/load.js';
import { Icon } from '../widgets/icon.js';
import { Page } from '../widgets/page.js';
import { Loading, Problem } from '../widgets/problem.js';
import { Leave, Missing } from '../widgets/foot.js';

/** Others come and go: the list is asked for again while somebody looks at it. */
const REFRESH_MS = 15_000;

/** The worker's stations. */
export const useStations = () => useLoad((signal) => get(`/api/stations?workerId=${workerId.value}`, undefined, { signal }), [workerId.value]);

/** The step. */
export function StationsPage() {
  const { data, error, reload } = useStations();
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const stations = data?.stations;
  return html`<${Page} name="stations" title=${t('worker.stations.title')}>
    <${LastSession} />
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!stations && !error && html`<${Loading} />`}
    ${stations?.length === 0 && html`<div class="empty"><p>${t('worker.stations.none')}</p><button type="button" class="primary big" onClick=${reload}>${t('worker.stations.look_again')}</button></div>`}
    ${stations?.length > 0 && html`<ul class="stations" role="list">${stations.map((station) => html`<${Station} key=${station.id} station=${station} />`)}</ul>`}
    <footer class="step-foot"><${Leave} /><${Missing} /></footer>
  <//>`;
}

/** How the last session ended, for a person who comes back. */
function LastSession() {
  const last = untold.value;
  if (!last) return null;
  const { session, station, job } = last;
  return html`<div class="info" role="status"><p>${t('worker.stations.last', { job: job.job_number, station: station.name })} ${why({ cause: session.closed_cause, at: session.ended_at, effectiveEnd: session.effective_end_at })}</p>
    <button type="button" class="secondary" onClick=${() => tell(session.id)}>${t('worker.closed.seen')}</button></div>`;
}

function Station({ station }) {
  const crew = station.occupied_by;
  const to = `/job/${station.id}`;
  const open = (event) => {
    event.preventDefault();
    go(to);
  };
  return html`<li><a class="station" href=${to} onClick=${open} data-testid="station" data-station=${station.code}>
    <span class="station-name"><bdi>${station.name}</bdi></span>
    <span class="station-code"><bdi>${station.code}</bdi></span>
    <span class="station-crew" data-occupied=${crew.length > 0 ? 'yes' : 'no'}>${crew.length === 0 ? t('worker.stations.free')
      : html`<${Icon} name="people" /><span>${t('worker.stations.crew', { names: crew.map((one) => one.worker_name).join(', ') })}</span>`}</span>
  </a></li>`;
}
