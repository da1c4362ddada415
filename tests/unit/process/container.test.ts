import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isContainer, isRootAlone } from '../../../src/process/container.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let root: string;

beforeEach(() => (root = makeTempDir()));
afterEach(() => removeTempDir(root));

function write(name: string, text: string): void {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const ID = '3f4a1c0d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f';
const OVERLAY = '/var/lib/docker/overlay2/l/AB:/var/lib/docker/overlay2/l/CD';
const CONTAINERD = '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs';

describe('a container', () => {
  test.each([
    ['docker', '.dockerenv', ''],
    ['podman', 'run/.containerenv', 'engine="podman-4.3.1"\n'],
    ['docker, cgroup v1', 'proc/1/cgroup', `12:pids:/docker/${ID}\n0::/docker/${ID}\n`],
    ['docker under systemd', 'proc/1/cgroup', `0::/system.slice/docker-${ID}.scope\n`],
    [
      'Kubernetes',
      'proc/1/cgroup',
      `0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-${ID}.scope\n`,
    ],
    ['Kubernetes, cgroup v1', 'proc/1/cgroup', `4:cpu:/kubepods/burstable/pod1234/${ID}\n`],
    ['containerd', 'proc/1/cgroup', `0::/system.slice/containerd.service\n`],
    ['podman by its group', 'proc/1/cgroup', `0::/machine.slice/libpod-${ID}.scope/container\n`],
    ['LXC', 'proc/1/cgroup', '0::/lxc.payload.web\n'],
    ['LXC, cgroup v1', 'proc/1/cgroup', '2:cpu:/lxc/web\n'],
    [
      'docker by its root',
      'proc/1/mountinfo',
      `500 400 0:50 / / rw - overlay overlay rw,lowerdir=${OVERLAY}\n`,
    ],
    [
      'containerd by its root',
      'proc/1/mountinfo',
      `5 4 0:5 / / rw - overlay overlay rw,lowerdir=${CONTAINERD}\n`,
    ],
    [
      'docker by its hosts file',
      'proc/1/mountinfo',
      `500 400 0:50 / / rw - btrfs /dev/sda rw\n501 500 8:1 /var/lib/docker/containers/${ID}/hosts /etc/hosts rw - ext4 /dev/sda rw\n`,
    ],
    [
      'podman by its host name',
      'proc/1/mountinfo',
      `5 4 8:1 /containers/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n`,
    ],
  ])('%s', (_name, file, text) => {
    expect(isContainer({ root, env: {} })).toBe(false);
    write(file, text);
    expect(isContainer({ root, env: {} })).toBe(true);
  });

  test('by the variable of systemd-nspawn and podman', () => {
    expect(isContainer({ root, env: { container: 'systemd-nspawn' } })).toBe(true);
    expect(isContainer({ root, env: { container: '' } })).toBe(false);
  });
});

describe('no container', () => {
  test.each([
    ['a machine with systemd', 'proc/1/cgroup', '0::/init.scope\n'],
    ['a machine with cgroup v1', 'proc/1/cgroup', '12:pids:/\n1:name=systemd:/\n0::/\n'],
    ['a user of that name', 'proc/1/cgroup', '0::/user.slice/dockery/relxc\n'],
    [
      'a machine that runs containers',
      'proc/1/mountinfo',
      `21 1 8:1 / / rw - ext4 /dev/sda1 rw\n90 21 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=${OVERLAY}\n`,
    ],
    [
      'a system on an overlay',
      'proc/1/mountinfo',
      '21 1 0:20 / / rw - overlay cow rw,lowerdir=/filesystem\n',
    ],
  ])('%s', (_name, file, text) => {
    write(file, text);
    expect(isContainer({ root, env: {} })).toBe(false);
  });
});

describe('root is the only user', () => {
  const SYSTEM =
    'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:\nsystemd-x:x:999:999::/:\nnobody:x:65534:65534::/:\n';

  test.each([
    ['of a plain image', SYSTEM, true],
    ['of an empty file', '', true],
    ['not beside one of 1000', `${SYSTEM}app:x:1000:1000::/home/app:/bin/sh\n`, false],
    ['not beside one of 59999', `${SYSTEM}app:x:59999:1::/:\n`, false],
    ['beside one of 60000, which is dynamic', `${SYSTEM}app:x:60000:1::/:\n`, true],
  ])('%s', (_name, passwd, alone) => {
    write('etc/passwd', passwd);
    expect(isRootAlone({ root, env: {} })).toBe(alone);
  });

  test('without a file', () => expect(isRootAlone({ root, env: {} })).toBe(true));
});
