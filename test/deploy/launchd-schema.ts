import { z } from 'zod';

const text = z.string().min(1);
const path = z.string().startsWith('/');
const texts = z.array(text);
const whole = z.int();
const flags = z.record(z.string(), z.boolean());
const limits = z.strictObject({
  Core: whole.optional(),
  CPU: whole.optional(),
  Data: whole.optional(),
  FileSize: whole.optional(),
  MemoryLock: whole.optional(),
  NumberOfFiles: whole.optional(),
  NumberOfProcesses: whole.optional(),
  ResidentSetSize: whole.optional(),
  Stack: whole.optional(),
});
const moment = z.strictObject({
  Minute: whole.min(0).max(59).optional(),
  Hour: whole.min(0).max(23).optional(),
  Day: whole.min(1).max(31).optional(),
  Weekday: whole.min(0).max(7).optional(),
  Month: whole.min(1).max(12).optional(),
});
const survival = z.strictObject({
  SuccessfulExit: z.boolean().optional(),
  Crashed: z.boolean().optional(),
  NetworkState: z.boolean().optional(),
  PathState: flags.optional(),
  OtherJobEnabled: flags.optional(),
  AfterInitialDemand: z.boolean().optional(),
});
const anything = z.record(z.string(), z.unknown());

/** Every key of launchd.plist(5) with its type; launchd ignores unknown keys, so it would not report a typo. */
export const launchdSchema = z
  .strictObject({
    Label: z.string().regex(/^[A-Za-z0-9._-]+$/),
    Program: path,
    BundleProgram: text,
    ProgramArguments: z.array(z.string()).min(1),
    EnableGlobbing: z.boolean(),
    Disabled: z.boolean(),
    UserName: text,
    GroupName: text,
    InitGroups: z.boolean(),
    inetdCompatibility: z.strictObject({ Wait: z.boolean(), Instances: whole.optional() }),
    LimitLoadToHosts: texts,
    LimitLoadFromHosts: texts,
    LimitLoadToSessionType: z.union([text, texts]),
    LimitLoadToHardware: z.record(z.string(), texts),
    LimitLoadFromHardware: z.record(z.string(), texts),
    EnableTransactions: z.boolean(),
    EnablePressuredExit: z.boolean(),
    OnDemand: z.boolean(),
    ServiceIPC: z.boolean(),
    KeepAlive: z.union([z.boolean(), survival]),
    RunAtLoad: z.boolean(),
    RootDirectory: path,
    WorkingDirectory: path,
    EnvironmentVariables: z.record(z.string(), z.string()),
    Umask: z.union([whole, z.string()]),
    TimeOut: whole.min(0),
    ExitTimeOut: whole.min(0),
    ThrottleInterval: whole.min(0),
    WatchPaths: z.array(path).min(1),
    QueueDirectories: z.array(path).min(1),
    StartOnMount: z.boolean(),
    StartInterval: whole.min(1),
    StartCalendarInterval: z.union([moment, z.array(moment)]),
    StandardInPath: path,
    StandardOutPath: path,
    StandardErrorPath: path,
    Debug: z.boolean(),
    WaitForDebugger: z.boolean(),
    SoftResourceLimits: limits,
    HardResourceLimits: limits,
    Nice: whole.min(-20).max(20),
    ProcessType: z.enum(['Background', 'Standard', 'Adaptive', 'Interactive']),
    AbandonProcessGroup: z.boolean(),
    LowPriorityIO: z.boolean(),
    LowPriorityBackgroundIO: z.boolean(),
    MaterializeDatalessFiles: z.boolean(),
    LaunchOnlyOnce: z.boolean(),
    MachServices: z.record(z.string(), z.union([z.boolean(), flags])),
    Sockets: anything,
    LaunchEvents: anything,
    SessionCreate: z.boolean(),
    LegacyTimers: z.boolean(),
    AssociatedBundleIdentifiers: z.union([text, texts]),
  })
  .partial()
  .required({ Label: true })
  .refine((job) => job.Program !== undefined || job.ProgramArguments !== undefined, {
    error: 'wanted Program or ProgramArguments',
  })
  // Without Program, launchd executes the first argument and does not search our PATH.
  .refine((job) => job.Program !== undefined || job.ProgramArguments?.[0]?.startsWith('/'), {
    error: 'wanted an absolute path as the first argument',
  });
