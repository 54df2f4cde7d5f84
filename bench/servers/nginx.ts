import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attend, decline } from '../attend.js';
import { freePort } from '../free-port.js';
import { partUrls } from '../overview.js';
import { childrenOf, statOf } from '../proc-stat.js';
import { type Usage } from '../topics.js';
import { untilAnswering } from '../until-answering.js';
import { nginxConfiguration } from './nginx-configuration.js';

/**
 * (d): nginx with lua, one worker, kept-alive upstreams, `ngx.location.capture_multi`. It joins the bodies as text:
 * JSON is never parsed. This process keeps nginx on a leash and speaks for it.
 */
const LUA_MODULES = ['ndk_http_module.so', 'ngx_http_lua_module.so'];

/** The modules to load for lua: none where it is built in. Undefined where there is no lua. */
function luaModules(built: string): readonly string[] | undefined {
  if (/lua-nginx-module|ngx_lua/.test(built)) return [];
  const folder = /--modules-path=(\S+)/.exec(built)?.[1] ?? '/usr/lib/nginx/modules';
  const files = LUA_MODULES.map((file) => join(folder, file));
  return files.every((file) => existsSync(file)) ? files : undefined;
}

function workersUsage(master: number): Usage {
  const workers = childrenOf(master).map(statOf);
  return {
    cpuMicros: workers.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    rssBytes: workers.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

async function start(modules: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-nginx-'));
  const errorLog = join(folder, 'error.log');
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, nginxConfiguration({ folder, errorLog, port, modules, urls: partUrls() }));

  const nginx = spawn('nginx', ['-p', folder, '-e', errorLog, '-c', file], { stdio: 'ignore' });
  const ended = endOf(nginx);
  const stop = async (): Promise<void> => {
    nginx.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    await untilAnswering(`http://127.0.0.1:${port}/`, ended);
  } catch (error) {
    const reason = `nginx could not be started: ${String(error)} ${lastLine(errorLog)}`;
    await stop();
    decline(reason);
    return;
  }
  const master = nginx.pid ?? NaN;
  attend([port], { usage: () => workersUsage(master) }, () => void stop().then(() => process.exit(0)));
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => {
      resolve(`could not be started (${message})`);
    });
    child.once('exit', (code) => {
      resolve(`ended with code ${String(code)}`);
    });
  });
}

function lastLine(file: string): string {
  return existsSync(file) ? (readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '') : '';
}

const { error, stderr } = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
const modules = error === undefined ? luaModules(stderr) : undefined;
if (process.platform !== 'linux') decline('its CPU time is read from /proc, which only Linux has');
else if (error !== undefined) decline('nginx is not installed (Debian: nginx, libnginx-mod-http-lua)');
else if (modules === undefined) decline('nginx has no lua module (Debian: libnginx-mod-http-lua)');
else await start(modules);
