/** A webhook, for tests: answers as it is told and remembers what it was asked. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AdmissionRequest, AdmissionResponse } from '@keelson/api/generated/types/admission/v1';
import { selfSigned } from '../../http/testing.ts';

export interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly apiVersion: string;
  readonly request: AdmissionRequest;
}

/** What is sent: part of a response, or a whole reply. */
export type Answer =
  | (Partial<AdmissionResponse> & { readonly reply?: never })
  | { readonly reply: { readonly status: number; readonly body: string; readonly contentType?: string } };

export interface TestWebhook {
  readonly url: string;
  readonly port: number;
  readonly caBundle: string;
  readonly asked: Asked[];
  /** By the first part of the path. */
  readonly answers: Record<string, (request: AdmissionRequest) => Answer | Promise<Answer>>;
  close(): Promise<void>;
}

export async function startWebhook(): Promise<TestWebhook> {
  const { cert, key } = await selfSigned('hook.ns.svc', '127.0.0.1');
  const asked: Asked[] = [];
  const answers: TestWebhook['answers'] = {};
  const server = https.createServer({ cert, key }, async (req, res) => {
    let text = '';
    for await (const chunk of req) text += String(chunk);
    const { apiVersion, request } = JSON.parse(text) as { apiVersion: string; request: AdmissionRequest };
    const path = req.url ?? '';
    asked.push({ path, headers: req.headers, apiVersion, request });
    const answer = await answers[path.split(/[/?]/)[1] ?? '']!(request);
    const response = { uid: request.uid, allowed: true, ...answer };
    const { status, body, contentType } = answer.reply ?? {
      status: 200,
      body: JSON.stringify({ kind: 'AdmissionReview', apiVersion, response }),
    };
    res.writeHead(status, { 'content-type': contentType ?? 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    caBundle: Buffer.from(cert).toString('base64'),
    asked,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
