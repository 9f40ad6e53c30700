/** A webhook, for tests: answers as it is told and remembers what it was asked. */
import type { AdmissionRequest, AdmissionResponse } from '@keelson/api/generated/types/admission/v1';
import { startTestServer } from '../../webhook/testing.ts';

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
  const asked: Asked[] = [];
  const answers: TestWebhook['answers'] = {};
  const server = await startTestServer(async ({ path, headers, body: text }) => {
    const { apiVersion, request } = JSON.parse(text) as { apiVersion: string; request: AdmissionRequest };
    asked.push({ path, headers, apiVersion, request });
    const answer = await answers[path.split(/[/?]/)[1] ?? '']!(request);
    const response = { uid: request.uid, allowed: true, ...answer };
    if (!answer.reply) return { body: JSON.stringify({ kind: 'AdmissionReview', apiVersion, response }) };
    const { status, body, contentType } = answer.reply;
    return { status, body, headers: { 'content-type': contentType ?? 'application/json' } };
  }, 'hook.ns.svc');
  const { url, port, ca, close } = server;
  return { url, port, caBundle: Buffer.from(ca).toString('base64'), asked, answers, close };
}
