package ${package};

import org.kvmdev.testkit.junit.DeviceConformance;

/** The device keeps the rules that hold for every device. */
class ${deviceName}ConformanceTest extends DeviceConformance {}
