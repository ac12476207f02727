// Where and on what the work is.
import { html } from '../../shared/html.js';
import { where } from '../whereabouts.js';

/** Station, job number and customer. */
export function JobLine({ at = where.value }) {
  const { station, job } = at;
  return html`<p class="job-line"><bdi class="job-line-station">${station.name}</bdi><span class="job-line-job"><bdi class="job-number">${job.job_number}</bdi>${job.customer_name && html` <bdi class="hint">${job.customer_name}</bdi>`}</span></p>`;
}
