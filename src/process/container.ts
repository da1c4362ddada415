/**
 * Whether this is a container, and whether root is the only user in it. Both are read from files and variables, as
 * nothing in Linux says so for certain; an answer of "no" is the safe one.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { localUsers } from './accounts.js';

/** What is looked at: tests have their own. */
export interface Surroundings {
  /** The folder that the files are below. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Those of docker, and of podman and others that use its library. */
const MARKERS = ['.dockerenv', 'run/.containerenv'];

/** A name in a path of the first process: `/docker/1f…`, `/kubepods.slice/…`, `/system.slice/docker-1f….scope`, `/lxc.payload.web`. */
const NAMED = /(?:^|[/:.-])(?:docker|kubepods|containerd|containers|libpod|crio|lxc)(?=[/.:-]|$)/;

/** The files that every container engine puts over those of the image. Mounted in a host, they are not. */
const OVERLAID = ['/', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf'];

/** 1000 and above are people's and services' that an administrator made; 65534 is nobody (login.defs(5)). */
const FIRST_ORDINARY_UID = 1000;
const FIRST_SPECIAL_UID = 60_000;

/** By the marks that docker, podman, containerd, Kubernetes, LXC and systemd-nspawn leave. */
export function isContainer({ root, env }: Surroundings): boolean {
  if (MARKERS.some((name) => existsSync(path.join(root, name)))) return true;
  // systemd-nspawn, podman and LXC: https://systemd.io/CONTAINER_INTERFACE
  if (env['container']) return true;
  return isInNamedGroup(root) || isMountedByEngine(root);
}

/** No account that could be used instead of root is in /etc/passwd. */
export function isRootAlone({ root }: Surroundings): boolean {
  return !localUsers(root).some(({ uid }) => uid >= FIRST_ORDINARY_UID && uid < FIRST_SPECIAL_UID);
}

/** Of little use with cgroup v2, where a container sees `0::/`. */
function isInNamedGroup(root: string): boolean {
  return linesOf(path.join(root, 'proc/1/cgroup')).some((line) => NAMED.test(line));
}

/**
 * Only mounts on {@link OVERLAID} paths count: a host that runs containers sees all of their mounts below
 * /var/lib/docker.
 */
function isMountedByEngine(root: string): boolean {
  return linesOf(path.join(root, 'proc/1/mountinfo')).some((line) => {
    // proc_pid_mountinfo(5): id, parent, device, root of the mount, mount point, …
    const [, , , source = '', target = '', ...rest] = line.split(' ');
    return OVERLAID.includes(target) && NAMED.test(target === '/' ? rest.join(' ') : source);
  });
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
