/** The process that makes load: one job, one answer. */
import { informers } from './informers.ts';
import type { Job, JobResult } from './job.ts';
import { requests } from './requests.ts';
import { watches } from './watches.ts';

process.once('message', (job: Job) => {
  perform(job).then(
    (result) => process.send!({ result }),
    (error: unknown) => process.send!({ error: (error as Error).message }),
  );
});
process.once('disconnect', () => process.exit());

function perform(job: Job): Promise<JobResult> {
  switch (job.kind) {
    case 'requests':
      return requests(job);
    case 'watches':
      return watches(job);
    case 'informers':
      return informers(job);
  }
}
