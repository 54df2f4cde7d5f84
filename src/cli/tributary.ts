#!/usr/bin/env node
import 'reflect-metadata';
import { loadGateway } from '../composite/config/gateway.js';
import { startGateway } from '../gateway.js';

/** `npx tributary`: the gateway and its tools from the shell. */
const gateway = await startGateway(loadGateway({ file: process.env['GATEWAY_CONFIG'] }));
console.log(await gateway.api.getUrl());
