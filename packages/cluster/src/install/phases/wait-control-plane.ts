import { sleep } from '@keelson/client';
import { StartupError } from '../../startup-error.ts';
import { controlPlaneHealth } from '../health.ts';
import { CONTROL_PLANE, MANIFESTS_DIR, UNITS_DIR } from '../layout.ts';
import type { InstallContext, Phase } from '../phase.ts';

const RETRY_MS = 500;

export const waitControlPlanePhase: Phase = {
  name: 'wait-control-plane',
  summary: 'Wait until the API server, the controller manager and the scheduler are well',
  async ready(context) {
    const { dryRun, files, layout, report, services, systemd } = context;
    if (dryRun) return true;
    if (!services && files.changed && (await controlPlaneHealth(context)).length === CONTROL_PLANE.length) {
      const written = layout.local(systemd ? UNITS_DIR : MANIFESTS_DIR);
      report(`[wait-control-plane] nothing here starts what is in ${written}: start that, then run this command again`);
      return false;
    }
    await untilWell(context);
    return true;
  },
};

/** Waits for all that runs of the control plane on this machine. @throws StartupError when its time is over */
export async function untilWell(context: InstallContext): Promise<void> {
  const { configuration, clock, report, systemd } = context;
  const until = clock.now() + configuration.init.timeouts.controlPlaneComponentHealthCheck;
  for (;;) {
    const ailing = await controlPlaneHealth(context);
    if (ailing.length === 0) return report('[wait-control-plane] the control plane is well');
    if (clock.now() >= until)
      throw new StartupError(
        `the control plane is not well: ${ailing.join('; ')}`,
        systemd
          ? "see 'journalctl -u kube-apiserver' and its like"
          : 'see the logs of the kubelet and in /var/log/pods',
      );
    await sleep(clock, RETRY_MS);
  }
}
