// Holds Kubernetes objects against the types of the client library: unknown fields, wrong types, unknown kinds; and
// rules that types do not say: names, port names, selectors that match the template.
// Usage: node check.mjs FILE…     in the folder that tests/kubernetes/build has made. Exit code 1: something is wrong.
import * as k8s from '@kubernetes/client-node';
import * as yaml from 'js-yaml';
import fs from 'fs';

const kinds = {
  'v1/Secret': 'V1Secret', 'v1/Service': 'V1Service', 'v1/PersistentVolumeClaim': 'V1PersistentVolumeClaim',
  'apps/v1/StatefulSet': 'V1StatefulSet', 'apps/v1/Deployment': 'V1Deployment', 'batch/v1/Job': 'V1Job',
};
let bad = 0, seen = 0;
const say = (path, words) => { bad++; console.log(`${path}: ${words}`); };

function walk(value, type, path) {
  let match;
  if (value === null || value === undefined) return say(path, 'is nothing');
  if ((match = /^(?:Array|Set)<(.*)>$/.exec(type)))
    return Array.isArray(value) ? value.forEach((x, i) => walk(x, match[1], `${path}[${i}]`))
      : say(path, 'expected a list');
  if ((match = /^\{ \[key: string\]: (.*); \}$/.exec(type))) {
    for (const key in value) walk(value[key], match[1], `${path}.${key}`);
    return undefined;
  }
  if (['string', 'number', 'boolean'].includes(type))
    return typeof value === type ? undefined : say(path, `expected ${type}, is ${typeof value}`);
  const known = k8s[type];
  if (!known?.getAttributeTypeMap) return undefined;
  const map = Object.fromEntries(known.getAttributeTypeMap().map((a) => [a.baseName, a]));
  for (const key of Object.keys(value))
    map[key] ? walk(value[key], map[key].type, `${path}.${key}`) : say(`${path}.${key}`, `unknown field of ${type}`);
  return undefined;
}

const label = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, subdomain = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;
function rules(thing, path) {
  const strict = ['Service', 'StatefulSet', 'Deployment', 'Job'].includes(thing.kind) ? label : subdomain;
  if (!strict.test(thing.metadata.name)) say(path, 'no allowed name');
  for (const port of thing.spec?.ports ?? [])
    if (!/^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(port.name) || !/[a-z]/.test(port.name))
      say(path, `port name ${port.name}`);
  const template = thing.spec?.template;
  for (const [key, value] of Object.entries(thing.spec?.selector?.matchLabels ?? {}))
    if (template.metadata.labels[key] !== value) say(path, `the selector's ${key} is not the template's`);
  for (const volume of [...(template?.spec?.volumes ?? []), ...(template?.spec?.containers ?? [])])
    if (!label.test(volume.name)) say(path, `no allowed name: ${volume.name}`);
  if (template && (template.spec.enableServiceLinks !== false)) say(path, 'service links are on');
}

for (const file of process.argv.slice(2))
  for (const thing of yaml.loadAll(fs.readFileSync(file, 'utf8'))) {
    if (!thing || thing.kind === 'Kustomization') continue;
    const type = kinds[`${thing.apiVersion}/${thing.kind}`], path = `${thing.kind}/${thing.metadata?.name}`;
    seen++;
    if (!type) { say(file, `unknown kind ${thing.apiVersion}/${thing.kind}`); continue; }
    walk(thing, type, path);
    rules(thing, path);
  }
console.log(`${seen} objects, ${bad} wrong`);
process.exit(bad || !seen ? 1 : 0);
