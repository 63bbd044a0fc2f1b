// Generated from hw/abi/abi.toml by `cargo x gen`; do not edit.

// The package says everything that host and card share, whether this card uses it or not.
// verilator lint_off UNUSEDPARAM
package tercel_pkg;

  parameter logic [31:0] DeviceMagic = 32'h4c435254;
  parameter logic [31:0] Version = 32'h00000002;
  parameter logic [31:0] LayoutHashLo = 32'h82c803e0;
  parameter logic [31:0] LayoutHashHi = 32'he5349fb5;

  parameter int Lines = 2;
  parameter int MessageMin = 12;
  parameter int FifoDepth = 32;
  parameter int LineQueue = 16;
  parameter int FilterWords = 2048;
  parameter int NumCounters = 35;
  parameter int NumLineCounters = 11;

  // Offsets in the register file.
  parameter logic [15:0] FilterOffset = 16'h2000;
  parameter logic [15:0] LineOffset = 16'h0100;
  parameter logic [15:0] LineStride = 16'h0040;
  parameter logic [15:0] CounterOffset = 16'h0400;
  parameter logic [15:0] LineCounterOffset = 16'h0500;
  parameter logic [15:0] LineCounterStride = 16'h0040;

  parameter logic [15:0] RegMagic = 16'h0000;
  parameter logic [15:0] RegVersion = 16'h0004;
  parameter logic [15:0] RegLayoutHashLo = 16'h0008;
  parameter logic [15:0] RegLayoutHashHi = 16'h000c;
  parameter logic [15:0] RegTicksPerSecond = 16'h0010;
  parameter logic [15:0] RegDmaWindow = 16'h0014;
  parameter logic [15:0] RegTimeBaseLo = 16'h0018;
  parameter logic [15:0] RegTimeBaseHi = 16'h001c;
  parameter logic [15:0] RegTimeLo = 16'h0020;
  parameter logic [15:0] RegTimeHi = 16'h0024;
  parameter logic [15:0] RegStatus = 16'h0028;
  parameter logic [15:0] RegHead = 16'h002c;
  parameter logic [15:0] RegSnapshotDone = 16'h0030;
  parameter logic [15:0] RegControl = 16'h0080;
  parameter logic [15:0] RegSnapshot = 16'h0084;
  parameter logic [15:0] RegTail = 16'h0088;
  parameter logic [15:0] RegRingLog2 = 16'h008c;
  parameter logic [15:0] RegRingBaseLo = 16'h0090;
  parameter logic [15:0] RegRingBaseHi = 16'h0094;
  parameter logic [15:0] RegNextSeqLo = 16'h0098;
  parameter logic [15:0] RegNextSeqHi = 16'h009c;
  parameter logic [15:0] RegVenue = 16'h00a0;
  parameter logic [15:0] RegPassAll = 16'h00a4;

  // Offsets from a line's first register.
  parameter logic [15:0] LineRegAddress = 16'h0000;
  parameter logic [15:0] LineRegPort = 16'h0004;
  parameter logic [15:0] LineRegSession0 = 16'h0008;
  parameter logic [15:0] LineRegSession1 = 16'h000c;
  parameter logic [15:0] LineRegSession2 = 16'h0010;
  parameter logic [15:0] LineRegSeen0 = 16'h0014;
  parameter logic [15:0] LineRegSeen1 = 16'h0018;
  parameter logic [15:0] LineRegSeen2 = 16'h001c;

  // Counters, by index.
  parameter int CntGaps = 0;
  parameter int CntGapsClosed = 1;
  parameter int CntRetracts = 2;
  parameter int CntFarAhead = 3;
  parameter int CntMalformedKind = 4;
  parameter int CntMalformedLength = 5;
  parameter int CntFiltered = 6;
  parameter int CntRecords = 7;
  parameter int CntDrops = 8;
  parameter int CntRingFull = 9;
  parameter int CntLatencyMin = 10;
  parameter int CntLatencyMax = 11;
  parameter int CntKindSystemEvent = 12;
  parameter int CntKindDirectory = 13;
  parameter int CntKindTradingAction = 14;
  parameter int CntKindRegSho = 15;
  parameter int CntKindParticipantPosition = 16;
  parameter int CntKindMwcbLevels = 17;
  parameter int CntKindMwcbStatus = 18;
  parameter int CntKindIpoQuoting = 19;
  parameter int CntKindLuldCollar = 20;
  parameter int CntKindOperationalHalt = 21;
  parameter int CntKindAdd = 22;
  parameter int CntKindAddAttributed = 23;
  parameter int CntKindExecuted = 24;
  parameter int CntKindExecutedPrice = 25;
  parameter int CntKindCanceled = 26;
  parameter int CntKindDeleted = 27;
  parameter int CntKindReplaced = 28;
  parameter int CntKindTrade = 29;
  parameter int CntKindCross = 30;
  parameter int CntKindBroken = 31;
  parameter int CntKindImbalance = 32;
  parameter int CntKindRetailInterest = 33;
  parameter int CntKindDirectListing = 34;

  // Counters of a line, by index.
  parameter int LineCntFrames = 0;
  parameter int LineCntBadFcs = 1;
  parameter int LineCntOther = 2;
  parameter int LineCntMalformed = 3;
  parameter int LineCntOtherSession = 4;
  parameter int LineCntTruncated = 5;
  parameter int LineCntPackets = 6;
  parameter int LineCntHeartbeats = 7;
  parameter int LineCntMessages = 8;
  parameter int LineCntDuplicates = 9;
  parameter int LineCntQueueDrops = 10;

  // Kinds of records; from 8'h20 on the message types of ITCH 5.0.
  parameter logic [7:0] KindGapOpen = 8'h01;
  parameter logic [7:0] KindGapClosed = 8'h02;
  parameter logic [7:0] KindSnapshotBegin = 8'h03;
  parameter logic [7:0] KindSnapshotEnd = 8'h04;
  parameter logic [7:0] KindFeedDown = 8'h05;
  parameter logic [7:0] KindFeedUp = 8'h06;
  parameter logic [7:0] KindSessionChange = 8'h07;
  parameter logic [7:0] KindSessionEnd = 8'h08;
  parameter logic [7:0] KindOverrun = 8'h09;
  parameter logic [7:0] KindRetract = 8'h0a;
  parameter logic [7:0] KindSystemEvent = 8'h53;
  parameter logic [7:0] KindDirectory = 8'h52;
  parameter logic [7:0] KindTradingAction = 8'h48;
  parameter logic [7:0] KindRegSho = 8'h59;
  parameter logic [7:0] KindParticipantPosition = 8'h4c;
  parameter logic [7:0] KindMwcbLevels = 8'h56;
  parameter logic [7:0] KindMwcbStatus = 8'h57;
  parameter logic [7:0] KindIpoQuoting = 8'h4b;
  parameter logic [7:0] KindLuldCollar = 8'h4a;
  parameter logic [7:0] KindOperationalHalt = 8'h68;
  parameter logic [7:0] KindAdd = 8'h41;
  parameter logic [7:0] KindAddAttributed = 8'h46;
  parameter logic [7:0] KindExecuted = 8'h45;
  parameter logic [7:0] KindExecutedPrice = 8'h43;
  parameter logic [7:0] KindCanceled = 8'h58;
  parameter logic [7:0] KindDeleted = 8'h44;
  parameter logic [7:0] KindReplaced = 8'h55;
  parameter logic [7:0] KindTrade = 8'h50;
  parameter logic [7:0] KindCross = 8'h51;
  parameter logic [7:0] KindBroken = 8'h42;
  parameter logic [7:0] KindImbalance = 8'h49;
  parameter logic [7:0] KindRetailInterest = 8'h4e;
  parameter logic [7:0] KindDirectListing = 8'h4f;

  // Bits of a record's flags.
  parameter logic [7:0] FlagPrintable = 8'h01;
  parameter logic [7:0] FlagSnapshot = 8'h02;
  parameter logic [7:0] FlagRecovered = 8'h04;
  parameter logic [7:0] FlagInverse = 8'h08;

  // A record; its byte 0 is in the lowest bits.
  typedef struct packed {
    logic [63:0] receive_time;
    logic [63:0] exchange_time;
    logic [63:0] second_ref;
    logic [63:0] order_ref;
    logic [63:0] quantity;
    logic [63:0] price;
    logic [15:0] tag;
    logic [15:0] instrument;
    logic [7:0] flags;
    logic [7:0] venue;
    logic [7:0] side;
    logic [7:0] kind;
    logic [63:0] seq;
  } event_record_t;

endpackage
// verilator lint_on UNUSEDPARAM
