/** What the listener shows and asks for at the TLS handshake, from files that may change. */
import type { ServerConfig } from './config.ts';
import type { TlsMaterial } from './http/listener.ts';

type Files = Pick<ServerConfig, 'servingCertificate' | 'namedCertificates' | 'clientCa' | 'requestHeader'>;

/** Of the files as they are now. */
export function tlsMaterial(config: Files): TlsMaterial {
  return {
    certificate: config.servingCertificate.get(),
    named: (config.namedCertificates ?? []).map((file) => file.get()),
    clientCa: clientCas(config),
  };
}

/** Calls back with what holds after each change of a file. */
export function onTlsMaterial(config: Files, listener: (material: TlsMaterial) => void): void {
  const { servingCertificate, clientCa, requestHeader, namedCertificates = [] } = config;
  const files = [servingCertificate, clientCa, requestHeader?.clientCa, ...namedCertificates];
  for (const file of files) file?.onChange?.(() => listener(tlsMaterial(config)));
}

/** Asked of clients at the handshake; who a certificate's holder is, authentication decides. */
function clientCas(config: Files): string | undefined {
  const bundles = [config.clientCa?.get(), config.requestHeader?.clientCa.get()].filter((b) => b !== undefined);
  return bundles.length > 0 ? bundles.join('\n') : undefined;
}
