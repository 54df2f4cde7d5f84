import { trace, type Tracer, type TracerProvider } from '@opentelemetry/api';

/** By which name spans know who made them. */
export const TRACER_NAME = 'tributary';

/** The API's own provider, as far as it knows whether a real one has been registered. */
interface Delegating extends TracerProvider {
  getDelegateTracer(name: string): Tracer | undefined;
}

/**
 * The tracer of the OpenTelemetry SDK that the application has registered by now; undefined where there is none. The API
 * would hand out one that does nothing, and that would be asked for each request.
 */
export function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return isDelegating(provider) ? provider.getDelegateTracer(TRACER_NAME) : provider.getTracer(TRACER_NAME);
}

function isDelegating(provider: TracerProvider): provider is Delegating {
  return 'getDelegateTracer' in provider;
}
