import { type PartUrls } from '../overview.js';

/** What the configuration of nginx is made of. */
export interface NginxPlace {
  /** Where it may write. */
  readonly folder: string;
  readonly errorLog: string;
  readonly port: number;
  readonly modules: readonly string[];
  readonly urls: PartUrls;
}

/** The configuration of (d), for nginx in the foreground. */
export function nginxConfiguration({ folder, errorLog, port, modules, urls }: NginxPlace): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
${modules.map((file) => `load_module ${file};`).join('\n')}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${errorLog} warn;

events { worker_connections 1024; }

http {
  access_log off;
  keepalive_timeout 72s;
  keepalive_requests 1000000000;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}

  upstream customers { server ${hostOf(urls.customers)}; keepalive 64; keepalive_requests 1000000000; }
  upstream orders { server ${hostOf(urls.orders)}; keepalive 64; keepalive_requests 1000000000; }
  upstream offers { server ${hostOf(urls.offers)}; keepalive 64; keepalive_requests 1000000000; }

  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_pass_request_headers off;
  proxy_connect_timeout 500ms;
  proxy_read_timeout 1s;

  server {
    listen 127.0.0.1:${port};

    location ~ ^/_customers/(c-[0-9]+)$ { internal; proxy_pass http://customers/customers/$1; }
    location = /_orders { internal; proxy_pass http://orders/orders$is_args$args; }
    location = /_offers { internal; proxy_pass http://offers/offers$is_args$args; }

    location ~ "^/customers/(?<id>c-[0-9]{1,9})/overview$" {
      content_by_lua_block {
        local id = ngx.var.id
        local whose = { args = "customerId=" .. id }
        local customer, orders, offers = ngx.location.capture_multi({
          { "/_customers/" .. id },
          { "/_orders", whose },
          { "/_offers", whose },
        })
        local function answered(part)
          return part.status == 200 and not part.truncated
        end
        local body
        if answered(customer) then
          body = '{"customer":' .. customer.body
            .. ',"orders":' .. (answered(orders) and orders.body or "[]")
            .. ',"offers":' .. (answered(offers) and offers.body or "[]") .. "}"
        else
          ngx.status = 502
          body = '{"error":"bad gateway"}'
        end
        ngx.header.content_type = "application/json; charset=utf-8"
        ngx.header.content_length = #body
        ngx.print(body)
      }
    }

    location / { return 404; }
  }
}
`;
}

function hostOf(url: string): string {
  return new URL(url).host;
}
