import { gatewayJsonSchema } from '../composite/config/gateway-json-schema.js';
import { type Command } from './command.js';

export const schemaCommand: Command = {
  description: [
    'Prints the JSON Schema of a gateway file. It comes with the package, so an editor completes the file if its first ' +
      'line is: # yaml-language-server: $schema=./node_modules/tributary/gateway.schema.json',
  ],
  options: {},
  run(input, terminal) {
    input.takesNoMoreThan(0);
    terminal.out(`${JSON.stringify(gatewayJsonSchema(), null, 2)}\n`);
    return Promise.resolve(0);
  },
};
