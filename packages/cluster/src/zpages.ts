/** `/statusz` and `/flagz` of components beside the API server (k8s.io/apiserver/pkg/server/statusz, flagz). */
import { StatusError } from '@keelson/api/errors';
import { versionInfo } from '@keelson/apiserver/health/root';
import { flagz } from '@keelson/apiserver/zpages/flagz';
import { servePage } from '@keelson/apiserver/zpages/page';
import { statusz } from '@keelson/apiserver/zpages/statusz';
import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { processStartSeconds } from '@keelson/component/metrics/process';
import type { Pages } from '@keelson/component/serving/plain';
import { HttpError } from '@keelson/component/serving/server';

/**
 * @param flags their values as text, by name; without them there is no `/flagz`
 * @param paths what `/statusz` lists beside that
 * @param gates ComponentFlagz and ComponentStatusz decide whether the pages are there
 */
export function pagesOf({
  component,
  flags,
  paths,
  gates = new FeatureGates(),
}: {
  readonly component: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  readonly gates?: FeatureGates;
}): Pages {
  const startedAt = new Date(processStartSeconds() * 1000);
  const flagPages = flags && gates.enabled('ComponentFlagz') ? [flagz(component, flags)] : [];
  const listed = [...(flagPages.length > 0 ? ['/flagz'] : []), ...paths];
  const now = () => new Date();
  const pages = [
    ...flagPages,
    ...(gates.enabled('ComponentStatusz')
      ? [statusz({ component, version: versionInfo(process), startedAt, now, paths: () => listed })]
      : []),
  ];
  return ({ method = 'GET', url = '/', headers }) => {
    const { pathname: path, searchParams: query } = new URL(url, 'https://component');
    try {
      for (const page of pages) {
        const answer = servePage(page, { method, path, query, headers });
        if (answer) return { ...answer, body: String(answer.body) };
      }
    } catch (error) {
      if (error instanceof StatusError) throw new HttpError(error.code, error.message);
      throw error;
    }
    return undefined;
  };
}
