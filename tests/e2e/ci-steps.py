#!/usr/bin/python3
"""Writes the shell parts of a CI's file as scripts, in their order, as that CI would run them.

Usage: ci-steps.py FILE FOLDER [INPUT=VALUE…]     FOLDER/1-NAME, FOLDER/2-NAME, …

action.yml: each step with `run`, with its `env` and folder; ${{ inputs.X }} is INPUT's value, or the default.
gitlab.yml: one script of the job .apphost, whose variables are defaults. circleci.yml: each `run`. Jenkinsfile: each
sh.
What is not understood is an error, so that no part is passed over.
"""
import os, re, shlex, sys
import yaml

path, folder = sys.argv[1:3]
given = dict(word.split('=', 1) for word in sys.argv[3:])
text = open(path, encoding='utf-8').read()
parts = []


def github():
    action = yaml.safe_load(text)
    inputs = {name: entry['default'] for name, entry in action['inputs'].items()}
    unknown = set(given) - set(inputs)
    if unknown:
        sys.exit(f'{path}: no input {unknown}')
    inputs.update(given)

    def fill(value):
        return re.sub(r'\$\{\{ inputs\.(\w+) \}\}', lambda m: inputs[m[1]], value)

    for step in action['runs']['steps']:
        if 'uses' in step:
            continue
        if '${{' in step['run']:
            sys.exit(f"{path}: {step['name']}: an expression in a script lets an input write the script")
        assert step['shell'] == 'bash', step
        if step.get('if') not in (None, "inputs.command != ''"):
            sys.exit(f"{path}: {step['name']}: {step['if']}")
        if step.get('if') and not inputs['command']:
            continue
        head = ''.join(f'export {k}={shlex.quote(fill(v))}\n' for k, v in step.get('env', {}).items())
        where = shlex.quote(fill(step.get('working-directory', '.')))
        parts.append((step['name'], f"#!/bin/bash\nset -eo pipefail\ncd {where}\n{head}{step['run']}"))


def gitlab():
    job = yaml.safe_load(text)['.apphost']
    head = ''.join(f'export {k}={shlex.quote(given.get(k, v))}\n' for k, v in job['variables'].items())
    lines = job['before_script'] + job['script']
    parts.append(('job', '#!/bin/bash\nset -eo pipefail\n' + head + '\n'.join(lines) + '\n'))


def circleci():
    for step in yaml.safe_load(text)['jobs']['test']['steps']:
        if isinstance(step, dict) and 'run' in step:
            parts.append((step['run']['name'], '#!/bin/bash\nset -eo pipefail\n' + step['run']['command']))


def jenkins():
    for script in re.findall(r"sh '''(.*?)'''", text, re.S):
        parts.append(('sh', '#!/bin/sh\nset -ex\n' + script))


{'action.yml': github, 'gitlab.yml': gitlab, 'circleci.yml': circleci, 'Jenkinsfile': jenkins}[os.path.basename(path)]()
assert parts, path
os.makedirs(folder)
for number, (name, script) in enumerate(parts, 1):
    file = os.path.join(folder, f"{number}-{name.replace(' ', '-')}")
    with open(file, 'w', encoding='utf-8') as out:
        out.write(script)
    os.chmod(file, 0o755)
