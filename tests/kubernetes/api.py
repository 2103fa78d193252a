#!/usr/bin/python3
"""A Kubernetes API server as far as kubectl needs one: discovery, a store, watches; no schemas, no controllers.

Usage: api.py PORT_FILE LOG     serves on a free port of loopback, which it writes into PORT_FILE; each request that
                                changes something is a line of LOG

Workloads are ready at once, and jobs complete; but whatever has the annotation or environment variable STUCK in its
template stays unready, and a job with FAIL fails. Server-side apply merges maps, and lists of named objects. Each
template that a workload has had is kept as a real controller keeps it, so that `kubectl rollout undo` finds it; but one
with the label or variable KEEP_NO_PAST in it is refused by the server when it is to be undone.
"""
import base64, json, re, sys, threading, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

KINDS = {  # (group version, plural): kind, short names
    ('v1', 'secrets'): ('Secret', []), ('v1', 'services'): ('Service', ['svc']), ('v1', 'pods'): ('Pod', ['po']),
    ('v1', 'persistentvolumeclaims'): ('PersistentVolumeClaim', ['pvc']), ('v1', 'namespaces'): ('Namespace', ['ns']),
    ('apps/v1', 'statefulsets'): ('StatefulSet', ['sts']), ('apps/v1', 'deployments'): ('Deployment', ['deploy']),
    ('apps/v1', 'replicasets'): ('ReplicaSet', ['rs']), ('apps/v1', 'controllerrevisions'): ('ControllerRevision', []),
    ('batch/v1', 'jobs'): ('Job', []),
}
VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch', 'deletecollection']
store, lock, version = {}, threading.Lock(), [100]


def next_version():
    version[0] += 1
    return str(version[0])


def is_marked(value, word):
    return word in json.dumps(value.get('spec', {}).get('template', {}))


def with_status(thing):
    replicas = thing.get('spec', {}).get('replicas', 1)
    ready = 0 if is_marked(thing, 'STUCK') else replicas
    if thing['kind'] in ('StatefulSet', 'Deployment'):
        thing['status'] = dict(observedGeneration=thing['metadata']['generation'], replicas=replicas,
                               updatedReplicas=replicas, readyReplicas=ready, availableReplicas=ready,
                               currentReplicas=replicas,
                               currentRevision='one', updateRevision='one')
    if thing['kind'] == 'Job':
        what = 'Failed' if is_marked(thing, 'FAIL') else 'Complete'
        thing['status'] = dict(conditions=[] if is_marked(thing, 'STUCK') else [dict(type=what, status='True')])
    if thing['kind'] == 'Secret':
        data = thing.setdefault('data', {})
        for key, value in thing.pop('stringData', {}).items():
            data[key] = base64.b64encode(value.encode()).decode()
    return thing


def merge(old, new):
    if isinstance(new, dict) and new.get('$patch') == 'replace':
        return {key: value for key, value in new.items() if key != '$patch'}
    if isinstance(old, dict) and isinstance(new, dict):
        out = dict(old)
        for key, value in new.items():
            out[key] = merge(old.get(key), value)
        return out
    return new


def with_json_patch(thing, patch):
    out = json.loads(json.dumps(thing))
    for step in patch:
        *way, last = step['path'].strip('/').split('/')
        at = out
        for name in way:
            at = at[name]
        at[last] = step['value']
    return out


def remember_template(place, thing):
    """What a real controller keeps of each template: a ReplicaSet, or a ControllerRevision, with a number."""
    kept = dict(Deployment='replicasets', StatefulSet='controllerrevisions').get(thing['kind'])
    if not kept:
        return
    template, uid = thing['spec']['template'], thing['metadata']['uid']
    past = [t for p, t in store.items() if p[2] == kept and t['metadata']['ownerReferences'][0]['uid'] == uid]
    same = [t for t in past if t['template'] == template]
    number = 1 + max([t['number'] for t in past], default=0)
    if same and same[0]['number'] == number - 1:
        return
    name = same[0]['metadata']['name'] if same else f'{place[3]}-{number}'
    item = dict(apiVersion='apps/v1', kind=KINDS[('apps/v1', kept)][0], template=template, number=number, metadata=dict(
        name=name, namespace=place[1], uid=str(uuid.uuid4()), creationTimestamp='2026-01-01T00:00:00Z',
        labels=template['metadata']['labels'], annotations={'deployment.kubernetes.io/revision': str(number)},
        ownerReferences=[dict(apiVersion='apps/v1', kind=thing['kind'], name=place[3], uid=uid, controller=True)]))
    if kept == 'replicasets':
        item['spec'] = dict(replicas=0, selector=thing['spec']['selector'], template=template)
    else:
        item.update(revision=number, data=dict(spec=dict(template={**template, '$patch': 'replace'})))
    store[('apps/v1', place[1], kept, name)] = item


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, body, code=200):
        raw = json.dumps(body).encode()
        self.send_response(code)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def fail(self, code, reason, text=''):
        self.answer(dict(kind='Status', apiVersion='v1', status='Failure', reason=reason, code=code,
                         message=text or reason), code)

    def discovery(self, path):
        if path == '/version':
            return dict(major='1', minor='33', gitVersion='v1.33.0')
        if path == '/api':
            return dict(kind='APIVersions', versions=['v1'])
        if path == '/apis':
            groups = sorted({g for g, _ in KINDS if '/' in g})
            return dict(kind='APIGroupList', apiVersion='v1', groups=[
                dict(name=g.split('/')[0], versions=[dict(groupVersion=g, version='v1')],
                     preferredVersion=dict(groupVersion=g, version='v1')) for g in groups])
        match = re.fullmatch(r'/api/(v1)|/apis/([a-z.]+/v1)', path)
        if not match:
            return None
        group = match[1] or match[2]
        return dict(kind='APIResourceList', apiVersion='v1', groupVersion=group, resources=[
            dict(name=plural, singularName=kind.lower(), namespaced=kind != 'Namespace', kind=kind, verbs=VERBS,
                 shortNames=short)
            for (g, plural), (kind, short) in KINDS.items() if g == group])

    def target(self, path):
        match = re.fullmatch(r'/(?:api/(v1)|apis/([a-z.]+/v1))/namespaces/([^/]+)/([a-z]+)(?:/([^/]+))?', path)
        if match and (match[1] or match[2], match[4]) in KINDS:
            return match[1] or match[2], match[3], match[4], match[5]
        return None

    def body(self):
        length = int(self.headers.get('Content-Length') or 0)
        raw = self.rfile.read(length)
        return json.loads(raw) if raw else {}

    def matching(self, group, namespace, plural, query):
        wanted = [p.split('=', 1) for p in query.get('labelSelector', [''])[0].split(',') if p]
        names = re.findall(r'metadata\.name=([^,]+)', query.get('fieldSelector', [''])[0])
        for (g, ns, p, name), thing in sorted(store.items()):
            labels = thing['metadata'].get('labels', {})
            if (g, ns, p) == (group, namespace, plural) and (not names or name in names) and all(
                    (labels.get(w[0]) == w[1].lstrip('=')) if len(w) == 2 else w[0] in labels for w in wanted):
                yield thing

    def do_GET(self):
        url = urlparse(self.path)
        query, found = parse_qs(url.query), self.discovery(url.path)
        if found:
            return self.answer(found)
        place = self.target(url.path)
        if not place:
            return self.fail(404, 'NotFound')
        group, namespace, plural, name = place
        with lock:
            if name:
                thing = store.get(place)
                return self.answer(thing) if thing else self.fail(404, 'NotFound', f'{plural} "{name}" not found')
            things = list(self.matching(group, namespace, plural, query))
        if query.get('watch') in (['true'], ['1']):
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Connection', 'close')
            self.end_headers()
            for thing in things:
                self.wfile.write(json.dumps(dict(type='ADDED', object=thing)).encode() + b'\n')
            self.wfile.flush()
            time.sleep(int(query.get('timeoutSeconds', ['2'])[0]) if self.server.patient else 2)
            self.close_connection = True
            return None
        kind = KINDS[(group, plural)][0]
        return self.answer(dict(kind=kind + 'List', apiVersion=group, items=things,
                                metadata=dict(resourceVersion=str(version[0]))))

    def save(self, place, thing, dry, code=200):
        old = store.get(place)
        metadata = thing.setdefault('metadata', {})
        metadata.setdefault('uid', str(uuid.uuid4()))
        metadata.setdefault('creationTimestamp', '2026-01-01T00:00:00Z')
        metadata['namespace'] = place[1]
        generation = old['metadata']['generation'] if old else 0
        same = old and old.get('spec') == thing.get('spec')
        metadata['generation'] = generation if same else generation + 1
        thing = with_status(thing)
        unchanged = old and {**old, 'metadata': 0} == {**thing, 'metadata': 0} and \
            all(old['metadata'].get(part) == metadata.get(part) for part in ('labels', 'annotations'))
        metadata['resourceVersion'] = old['metadata']['resourceVersion'] if unchanged else next_version()
        if not dry:
            store[place] = thing
            remember_template(place, thing)
            if not unchanged:
                self.server.note(f'{"changed" if old else "created"} {thing["kind"]}/{place[3]}')
        return self.answer(thing, code)

    def do_POST(self):
        url = urlparse(self.path)
        thing, place = self.body(), self.target(url.path)
        if not place:
            return self.fail(404, 'NotFound')
        with lock:
            return self.save(place[:3] + (thing['metadata']['name'],), thing, 'dryRun' in parse_qs(url.query), 201)

    def do_PATCH(self):
        url = urlparse(self.path)
        query, patch, place = parse_qs(url.query), self.body(), self.target(url.path)
        if not place:
            return self.fail(404, 'NotFound')
        with lock:
            old = store.get(place)
            if 'apply' in self.headers.get('Content-Type', '') and query.get('fieldManager') != ['apphost']:
                return self.fail(400, 'BadRequest', 'the field manager is not apphost')
            if old is None and 'apply' not in self.headers.get('Content-Type', ''):
                return self.fail(404, 'NotFound')
            if old and old['metadata'].get('annotations', {}).get('owner') == 'others':
                return self.fail(409, 'Conflict', 'Apply failed with 1 conflict: with "others": .spec.replicas')
            is_undone = 'apply' not in self.headers.get('Content-Type', '')
            if is_undone and is_marked(old, 'KEEP_NO_PAST'):
                return self.fail(403, 'Forbidden', 'nobody may undo this')
            if isinstance(patch, list):
                return self.save(place, with_json_patch(old, patch), 'dryRun' in query)
            if 'stringData' in patch:
                old = {k: v for k, v in (old or {}).items() if k != 'data'}
            return self.save(place, json.loads(json.dumps(merge(old, patch))), 'dryRun' in query, 200 if old else 201)

    def do_DELETE(self):
        self.body()
        place = self.target(urlparse(self.path).path)
        with lock:
            thing = store.pop(place, None) if place else None
            if thing is None:
                return self.fail(404, 'NotFound')
            self.server.note(f'deleted {thing["kind"]}/{place[3]}')
        return self.answer(dict(kind='Status', apiVersion='v1', status='Success'))


class Server(ThreadingHTTPServer):
    patient = False

    def note(self, line):
        with open(sys.argv[2], 'a') as log:
            log.write(line + '\n')


server = Server(('127.0.0.1', 0), Handler)
open(sys.argv[2], 'a').close()
with open(sys.argv[1] + '.new', 'w') as out:
    out.write(str(server.server_address[1]))
import os
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
