/** How much memory there is, and what is taken of it by itself (`src/config/memory.ts`, `server.max_buffered`). */
import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { readConfig } from "../../../src/config/config.ts";
import { heapBytes, memoryBytes } from "../../../src/config/memory.ts";
import { mistakes, NOW_MS, SMALL, writeSample } from "../../support/config-sample.ts";

const MIB = 1024 ** 2;
const MACHINE = 64 * 1024 * MIB;

describe("memory is the least of the machine's and of what its control groups allow", () => {
  const rows: [what: string, files: Record<string, string>, bytes: number][] = [
    ["nothing is told", {}, MACHINE],
    ["a container of version 2", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n" }, 512 * MIB],
    ["version 2 without a bound", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" }, MACHINE],
    [
      "a service in a slice with a smaller bound",
      {
        "/proc/self/cgroup": "0::/weir.slice/weir.service\n",
        "/sys/fs/cgroup/weir.slice/weir.service/memory.max": `${900 * MIB}\n`,
        "/sys/fs/cgroup/weir.slice/memory.max": `${700 * MIB}\n`,
      },
      700 * MIB,
    ],
    [
      "a container of version 1, whose group has its name from outside",
      {
        "/proc/self/cgroup": "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n0::/\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${256 * MIB}\n`,
      },
      256 * MIB,
    ],
    [
      "version 1 without a bound",
      { "/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n" },
      MACHINE,
    ],
  ];
  test.each(rows)("%s", (_what, files, bytes) => {
    const read = (file: string): string => {
      const text = files[file];
      if (text === undefined) throw new Error(`no such file: ${file}`);
      return text;
    };
    expect(memoryBytes(read, MACHINE)).toBe(bytes);
  });

  test("here it is something", () => {
    expect(memoryBytes()).toBeGreaterThan(64 * MIB);
  });

  test("each heap has its share, and enough for a large body", () => {
    expect(heapBytes(1536 * MIB, 4)).toBe(384 * MIB);
    expect(heapBytes(MACHINE, 4)).toBe(512 * MIB);
    expect(heapBytes(512 * MIB, 64)).toBe(256 * MIB);
  });
});

describe("server.max_buffered", () => {
  const resolved = (yaml: string, memory: number) => {
    const file = writeSample(`${SMALL}\n${yaml}`);
    return readConfig({ file, environment: {}, directory: dirname(file), nowMs: NOW_MS, processors: 4, memory }).config.server
      .maxBufferedBytes;
  };

  test("is by itself an eighth of the memory, shared out among the processes, at most 256 MiB and at least two bodies", () => {
    expect(resolved("", 1600 * MIB)).toBe(200 * MIB);
    expect(resolved("processes: 2", 1600 * MIB)).toBe(100 * MIB);
    expect(resolved("", MACHINE)).toBe(256 * MIB);
    expect(resolved("", 256 * MIB)).toBe(64 * MIB);
    expect(resolved("server: { max_body: 400MiB }", 256 * MIB)).toBe(800 * MIB);
  });

  test("is what somebody has written, as long as a workspace's half has room for the largest body", () => {
    expect(resolved("server: { max_buffered: 64MiB }", MACHINE)).toBe(64 * MIB);
    expect(mistakes(`${SMALL}\nserver: { max_buffered: 63MiB }`)).toEqual([
      "line 8: server.max_buffered: expected at least 67108864 bytes, which are two of the largest bodies (server.max_body), got 66060288",
    ]);
  });
});
