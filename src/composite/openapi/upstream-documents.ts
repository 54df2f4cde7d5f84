import { type ConfigurationReport } from '../../upstream/config/configuration-report.js';
import { type GatewayConfig } from '../../upstream/config/gateway-config.js';
import { type CompositeConfig, type PartConfig } from '../config/composite-config.js';
import { CallCheck, type CallMatch, matchedCall } from './call-check.js';
import { CompositeShape, type Operations } from './composite-shape.js';
import { FieldCheck } from './field-check.js';
import { UpstreamDocument, UpstreamDocumentError } from './upstream-document.js';

/**
 * The OpenAPI documents of a gateway's upstreams, each read when the first composite asks for it. What is wrong with one
 * is reported once, where the gateway file names it.
 */
export class UpstreamDocuments {
  private readonly documents = new Map<string, UpstreamDocument | undefined>();

  constructor(
    private readonly gateway: GatewayConfig,
    private readonly report: ConfigurationReport,
  ) {}

  /** The operations of a composite's parts; calls that do not fit their documents are reported. */
  operations(composite: CompositeConfig): Operations {
    const matches = new Map<string, CallMatch>();
    for (const part of composite.parts) {
      const upstream = this.upstream(part.upstream);
      const document = this.isReadable(part) ? this.document(part.upstream) : undefined;
      if (upstream === undefined || document === undefined) continue;
      const match = matchedCall(part, composite, upstream, document, this.report);
      if (match !== undefined) matches.set(part.name, match);
    }
    const operations = new Map([...matches].map(([part, { operation }]) => [part, operation]));
    const shape = new CompositeShape(composite, operations, new Map());
    const fields = new FieldCheck(composite, shape, this.report);
    for (const part of composite.parts) {
      // What could not be read may be what the call is said to lack.
      const isWhole = ![part.at, [...composite.at, 'forward']].some((at) => this.report.has(at));
      const match = matches.get(part.name);
      const upstream = this.upstream(part.upstream);
      if (isWhole && match !== undefined && upstream !== undefined) {
        new CallCheck(part, composite, upstream, match, shape, this.report).check();
      }
      fields.check(part);
    }
    return operations;
  }

  /** Whether its URL is there, and has nothing wrong with it. */
  private isReadable({ url, at, method }: PartConfig): boolean {
    return url !== '' && !this.report.has([...at, method.toLowerCase()]);
  }

  private upstream(name: string) {
    const { upstreams } = this.gateway;
    return Object.hasOwn(upstreams, name) ? upstreams[name] : undefined;
  }

  private document(name: string): UpstreamDocument | undefined {
    if (!this.documents.has(name)) this.documents.set(name, this.read(name));
    return this.documents.get(name);
  }

  private read(name: string): UpstreamDocument | undefined {
    const file = this.upstream(name)?.openapi;
    if (file === undefined) return undefined;
    try {
      return UpstreamDocument.read(name, file);
    } catch (error) {
      if (!(error instanceof UpstreamDocumentError)) throw error;
      const at = ['upstreams', name, 'openapi'];
      this.report.add(
        at,
        'value',
        `found ${this.report.source.written(at)}, ${error.message}; expected OpenAPI 3.0 or 3.1`,
      );
      return undefined;
    }
  }
}
