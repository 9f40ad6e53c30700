/** Requests to API servers, and their answers in a form that can be compared. */
import https from 'node:https';

export interface Target {
  readonly url: string;
  readonly token: string;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

export interface Answer {
  readonly status: number;
  readonly warnings: readonly string[];
  readonly body: unknown;
}

const agent = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });

/** A connection that breaks is an answer too, with status 0: servers should not do that. */
export async function send(target: Target, request: Request): Promise<Answer> {
  try {
    return await exchange(target, request);
  } catch (error) {
    return { status: 0, warnings: [], body: (error as Error).message };
  }
}

function exchange(target: Target, request: Request): Promise<Answer> {
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${target.token}`,
    'user-agent': 'differential',
    ...(body && { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length }),
  };
  return new Promise((resolve, reject) => {
    const options = { method: request.method, headers, agent, timeout: 30_000 };
    const sent = https.request(new URL(request.path, target.url), options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.includes('json');
        const { warning } = response.headers;
        resolve({
          status: response.statusCode!,
          warnings: warning === undefined ? [] : String(warning).split(', 299 - '),
          body: isJson ? JSON.parse(text) : text,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const TODAY = new Date().toISOString().slice(0, 10);

/**
 * Without what differs from server to server: uids, times of today, revisions, what was allocated or generated.
 * @param prefix what the request would have the name begin with
 */
export function comparable(answer: Answer, prefix?: unknown): Answer {
  const body = fold(answer.body, '');
  return { ...answer, body: typeof prefix === 'string' && prefix !== '' ? withoutSuffix(body, prefix) : body };
}

function withoutSuffix(body: unknown, prefix: string): unknown {
  const quoted = JSON.stringify(prefix).slice(1, -1);
  const generated = new RegExp(
    `${quoted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').slice(0, 70)}[bcdfghjklmnpqrstvwxz2456789]{5}`,
    'g',
  );
  return JSON.parse(JSON.stringify(body).replace(generated, () => `${quoted}-random`));
}

function fold(value: unknown, key: string): unknown {
  if (typeof value === 'string') return foldText(value, key);
  if (typeof value === 'number' && /nodePort$/i.test(key) && value >= 30_000) return '<node port>';
  if (Array.isArray(value)) return value.filter((x) => !isDistributors(x)).map((x) => fold(x, key));
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(object).map(([name, child]) => [name, fold(child, name)]));
}

function foldText(text: string, key: string): string {
  if (key === 'resourceVersion') return '<revision>';
  if (key.startsWith('clusterIP') && /^10\.0\.0\./.test(text)) return '<address>';
  if (key === 'uid' && text.startsWith('admin')) return '<uid>';
  return text
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<random>')
    .replace(/@@ [-+, \d]+ @@/g, '@@')
    .replace(/\b10\.0\.0\.\d+/g, '<address>')
    .replace(UID, '<uid>')
    .replace(TIME, (time) => (time.startsWith(TODAY) ? '<now>' : time));
}

/** One more source in the volumes of tokens, in builds of a distributor; it moves the lines of differences. */
function isDistributors(value: unknown): boolean {
  return (value as { configMap?: { name?: string } } | null)?.configMap?.name === 'openshift-service-ca.crt';
}
