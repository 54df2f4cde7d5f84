import { HttpException } from '@nestjs/common';
import { isAxiosError } from 'axios';
import { TimeoutError } from 'rxjs';
import { Rejection } from '../resilience/rejections.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { JoinError } from './join-error.js';
import { PartFailedError } from './part-failed-error.js';
import { partFailureOf } from './part-failure.js';

/**
 * What a part that failed or fell back ran into, for those who run the gateway. It is kept apart from the report, which
 * clients may see.
 */
export interface PartFault {
  readonly part: string;
  /** In a few words, none of which is a value, a URL or a header. */
  readonly detail: string;
  /** How often its upstream was asked; undefined for a list join, which asks for many things. */
  readonly attempts: number | undefined;
}

export const NO_FAULTS: readonly PartFault[] = [];

/** What is known of the error a part ended with, without what it may have taken from a request or an answer. */
export function faultDetail(error: unknown): string {
  // Their messages are written by this gateway.
  if (error instanceof UpstreamError || error instanceof Rejection || error instanceof JoinError) {
    return error.message;
  }
  if (error instanceof PartFailedError) return `its part '${error.part}': ${faultDetail(error.cause)}`;
  if (isAxiosError(error)) return axiosDetail(error);
  if (error instanceof TimeoutError) return 'no answer in time';
  if (error instanceof HttpException) return `${error.name} with status ${error.getStatus()}`;
  return `unexpected ${error instanceof Error ? error.name : typeof error}`;
}

function axiosDetail(error: { readonly cause?: unknown }): string {
  if (error.cause instanceof UpstreamError) return error.cause.message;
  const { reason, status } = partFailureOf(error) ?? {};
  return status === undefined
    ? `the call ended with ${reason ?? 'an error'}`
    : `the call was answered ${status}`;
}
