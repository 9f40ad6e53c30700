/** The kernel's routes to the pods of other nodes (ip-route(8)). */
import { canonical, type Family } from '@keelson/proxy/addresses';

export interface Route {
  readonly family: Family;
  /** Of a node's pods. */
  readonly range: string;
  /** What it leads to next: the node, or what stands for it in the tunnel. */
  readonly via: string;
  /** The tunnel's; undefined: that which the node's own segment is at. */
  readonly device?: string;
}

/** Who has made a route says so by a number: none that others use (iproute2: rt_protos). */
export const PROTOCOL = 75;

interface Listed {
  readonly dst: string;
  readonly gateway?: string;
}

/** What `ip -j route show proto 75` lists. */
export function listedRoutes(family: Family, listing: string): Route[] {
  const routes = JSON.parse(listing || '[]') as readonly Listed[];
  const whole = family === 'IPv4' ? '/32' : '/128';
  // A range of one address is shown without its length.
  return routes.map(({ dst, gateway = '' }) => ({
    family,
    range: dst.includes('/') ? dst : `${dst}${whole}`,
    via: gateway,
  }));
}

interface Way {
  readonly dst: string;
  readonly gateway?: string;
}

/** Of the addresses that `ip -j -batch` was asked the ways to (`route get`), one a line: those with no gateway in between. */
export function listedOnLink(listing: string): Set<string> {
  const ways = listing.split('\n').flatMap((line) => (line.trim() === '' ? [] : (JSON.parse(line) as readonly Way[])));
  return new Set(ways.flatMap(({ dst, gateway }) => (gateway === undefined ? [canonical(dst)] : [])));
}

/** @returns lines for `ip -batch`: what goes, then what comes; a route that leads elsewhere now is replaced */
export function routeChanges(actual: readonly Route[], wanted: readonly Route[]): { gone: string[]; come: string[] } {
  const has = (routes: readonly Route[], { range, via }: Route) =>
    routes.some((route) => route.range === range && route.via === via);
  // Into the tunnel, IPv6 takes no route whose next hop another device leads to: the one before has to go first.
  const stays = ({ range, via }: Route) =>
    wanted.some((route) => route.range === range && (route.device === undefined || route.via === via));
  return {
    gone: actual
      .filter((route) => !stays(route))
      .map(({ range, via }) => `route del ${range}${via === '' ? '' : ` via ${via}`} proto ${PROTOCOL}`),
    come: wanted
      .filter((route) => !has(actual, route))
      .map(
        ({ range, via, device }) =>
          `route replace ${range} via ${via}${device === undefined ? '' : ` dev ${device} onlink`} proto ${PROTOCOL}`,
      ),
  };
}
