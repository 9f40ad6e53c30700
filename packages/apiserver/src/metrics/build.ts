/** What every component tells of how it was built and which features it has. */
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { VersionInfo } from '../health/root.ts';

const STAGES = { PreAlpha: '', Alpha: 'ALPHA', Beta: 'BETA', GA: '', Deprecated: 'DEPRECATED' } as const;

/** All of it. */
export function registerBuild(registry: MetricsRegistry, version: VersionInfo, gates: FeatureGates): void {
  registry.register(buildInfoOf(version));
  registry.register(effectiveOf(version));
  registry.register(featuresOf(gates));
}

export function featuresOf(gates: FeatureGates): Gauge {
  const features = new Gauge({
    name: 'kubernetes_feature_enabled',
    help: 'Features and their stages: 1 enabled, 0 not.',
    stability: 'BETA',
    labels: ['name', 'stage'],
  });
  for (const [name, { stage }] of gates.all()) {
    if (stage !== 'PreAlpha') features.with(name, STAGES[stage]).value = gates.enabled(name) ? 1 : 0;
  }
  return features;
}

function buildInfoOf(version: VersionInfo): Gauge {
  const build = new Gauge({
    name: 'kubernetes_build_info',
    help: 'What this program was built from and speaks.',
    stability: 'BETA',
    labels: [
      'major',
      'minor',
      'git_version',
      'git_commit',
      'git_tree_state',
      'build_date',
      'go_version',
      'compiler',
      'platform',
    ],
  });
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = version;
  build.with(major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform).value = 1;
  return build;
}

/** As which release it acts (component-base/compatibility). */
function effectiveOf(version: VersionInfo): Gauge {
  const effective = new Gauge({
    name: 'version_info',
    help: 'The release of this program, as which one it acts, and the oldest of those that it works beside.',
    stability: 'ALPHA',
    labels: ['component', 'binary', 'emulation', 'min_compat'],
  });
  const emulated = `${version.emulationMajor}.${version.emulationMinor}`;
  const oldest = `${version.minCompatibilityMajor}.${version.minCompatibilityMinor}`;
  effective.with('kube', version.gitVersion.slice(1), emulated, oldest).value = 1;
  return effective;
}
