import { readFileSync } from 'node:fs';
import http from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { trusting } from '@keelson/component/trust';
import type { ExtenderConfiguration, ExtenderTls } from '../config/types.ts';
import type { Ask } from './extenders.ts';

const MAX_ANSWER = 64 * 1024 * 1024;

/** @throws Error for certificates that cannot be read */
export function askOverHttp(configuration: ExtenderConfiguration): Ask {
  const { urlPrefix, httpTimeoutMs: timeout } = configuration;
  const secure = urlPrefix.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...tlsOf(configuration) })
    : new http.Agent({ keepAlive: true });
  const request = secure ? httpsRequest : http.request;
  return (verb, body) =>
    new Promise((resolve, reject) => {
      const url = `${urlPrefix.replace(/\/+$/, '')}/${verb}`;
      const bytes = Buffer.from(JSON.stringify(body));
      const headers = { 'content-type': 'application/json', 'content-length': bytes.byteLength };
      const sent = request(url, { method: 'POST', agent, headers, signal: AbortSignal.timeout(timeout) }, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size > MAX_ANSWER) answer.destroy(new Error(`${url}: the answer is too large`));
          chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          if (answer.statusCode !== 200)
            return reject(new Error(`failed ${verb} with extender at URL ${url}, code ${answer.statusCode}`));
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          } catch (error) {
            reject(error);
          }
        });
      });
      sent.on('error', reject);
      sent.end(bytes);
    });
}

/** Without a certificate authority whoever answers is trusted, as upstream does. */
function tlsOf({ enableHTTPS, tlsConfig }: ExtenderConfiguration): AgentOptions {
  const { insecure = false, serverName = '', ...files }: Partial<ExtenderTls> = tlsConfig ?? {};
  const pem = (data = '', file = '') => data || (file ? readFileSync(file, 'utf8') : undefined);
  const ca = pem(files.caData, files.caFile);
  const certificate = { cert: pem(files.certData, files.certFile), key: pem(files.keyData, files.keyFile) };
  const known = Object.entries({ ...trusting(ca), ...certificate, servername: serverName || undefined });
  const trustsAnybody = insecure || (enableHTTPS && ca === undefined);
  return {
    rejectUnauthorized: !trustsAnybody,
    ...Object.fromEntries(known.filter(([, value]) => value !== undefined)),
  };
}
