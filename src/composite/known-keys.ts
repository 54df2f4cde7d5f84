import { type Expression } from './expression.js';
import { type ExpressionNode, parsedExpression } from './expression-syntax.js';

/** The only keys that the value of an expression can have (`{id: id, name: name}`); undefined if it may have any. */
export function knownKeys({ source }: Expression): readonly string[] | undefined {
  return keysOf(parsedExpression(source));
}

function keysOf(node: ExpressionNode): readonly string[] | undefined {
  if (node.type === 'MultiSelectHash') return node.children.map(({ name }) => name);
  if (node.type === 'Pipe' || node.type === 'Subexpression') return keysOf(node.right);
  return node.type === 'LetExpression' ? keysOf(node.expression) : undefined;
}
