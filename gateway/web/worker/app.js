// The worker's pages: which step is shown, and what begins when somebody is there.
import { computed, effect, html, render, untracked, useEffect } from '../shared/html.js';
import { t } from '../shared/i18n.js';
import { words } from './i18n.js';
import { mustSignInAgain, resuming, setResuming, worker, workerId } from './identity.js';
import { drain } from './queue/drain.js';
import { showQueueOf } from './queue/queue.js';
import { go, path, rightPlace } from './router.js';
import { live } from './session/life.js';
import { begin, look, notice, summary, where } from './whereabouts.js';
import { ClosedPage } from './pages/closed.js';
import { EndPage } from './pages/end.js';
import { JobPage } from './pages/job.js';
import { LoginPage } from './pages/login.js';
import { ResumePage } from './pages/resume.js';
import { StartPage } from './pages/start.js';
import { StationsPage } from './pages/stations.js';
import { SummaryPage, summaryOf } from './pages/summary.js';
import { WorkPage } from './pages/work.js';
import { Announcer, Banners } from './widgets/banners.js';
import { Leave } from './widgets/foot.js';
import { Page } from './widgets/page.js';
import { Loading, Problem } from './widgets/problem.js';
import { Top } from './widgets/top.js';

const PAGES = { login: LoginPage, stations: StationsPage, job: JobPage, start: StartPage, work: WorkPage, end: EndPage, summary: SummaryPage, resume: ResumePage };
/** The server may be away for a while: it is asked again where the person is. */
const LOOK_AGAIN_MS = 5_000;

/** Without a network a request takes its time to fail: the person sees what is kept before that. */
const DRAIN_PATIENCE_MS = 1_000;

/** Nothing is known of the session, and nothing is kept. */
function UnknownPage() {
  const { error } = where.value;
  useEffect(() => {
    const timer = setInterval(look, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<${Page} name="unknown" title=${t('worker.unknown.title')} quietTitle=${!error}>
    ${error ? html`<${Problem} error=${error} retry=${look} />` : html`<${Loading} />`}
    ${error && html`<footer class="step-foot"><${Leave} /></footer>`}
  <//>`;
}

/** The address where the person belongs. */
const right = computed(() => {
  const { kind } = where.value;
  const to = rightPlace(path.value, { worker: worker.value, kind, resuming: resuming.value });
  return kind === 'none' && to.startsWith('/summary/') && !summaryOf(to) ? '/stations' : to;
});

function Step() {
  if (!worker.value || mustSignInAgain.value) return html`<${LoginPage} key="login" />`;
  if (where.value.kind === 'unknown') return html`<${UnknownPage} key="unknown" />`;
  if (notice.value) return html`<${ClosedPage} key=${notice.value.id} />`;
  const to = right.value;
  const Shown = PAGES[to.split('/')[1]];
  return html`<${Shown} key=${to} />`;
}

function App() {
  return html`<a class="skip-link" href="#main">${t('worker.skip')}</a>
    <${Top} /><${Banners} /><${Step} /><${Announcer} />`;
}

/** Somebody is there: what is kept of them, what waits, and what the server says. */
async function start() {
  await Promise.all([begin(), showQueueOf(workerId.peek())]);
  if (!workerId.peek()) return;
  // What was sent before, and not answered, is answered first: or it would be counted twice on the screen.
  await Promise.race([drain(), new Promise((resolve) => setTimeout(resolve, DRAIN_PATIENCE_MS))]);
  await look();
}

effect(() => {
  if (workerId.value && !mustSignInAgain.value) untracked(() => void start());
  else if (!workerId.value) untracked(() => void Promise.all([begin(), showQueueOf(null)]));
});
effect(() => {
  const done = summary.value;
  if (done && where.value.kind === 'none') untracked(() => go(`/summary/${done.session.id}`, { replace: true }));
});
effect(() => {
  const to = right.value;
  if (to !== path.value) untracked(() => go(to, { replace: true }));
});
effect(() => {
  // Nothing to go on with: what is opened from here on is new.
  if (where.value.kind === 'none' && resuming.value) untracked(() => setResuming(false));
});

await words;
live();
const place = document.getElementById('app');
place.replaceChildren();
render(html`<${App} />`, place);
if (navigator.serviceWorker) navigator.serviceWorker.register('/sw.js').catch(() => undefined);
