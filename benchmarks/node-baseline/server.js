"use strict";
// What the suite's description began as: one Express app on Mongoose. It does for booking and reading what such an app
// does when it is written simply and well: tokens verified, input checked, lean reads, indexes, majority writes. As in
// most of its kind a slot is looked for before it is taken; UNIQUE=1 adds the unique index that few have.
const cluster = require("node:cluster");
const express = require("express");
const jwt = require("jsonwebtoken");
const mongoose = require("mongoose");

const { PORT, MONGODB_URI, JWT_SECRET, WORKERS = "2", UNIQUE } = process.env;

const doctors = mongoose.model("Doctor", new mongoose.Schema({
  name: String, specialty: String, city: String, bio: String, fee: Number, rating: Number, visible: Boolean,
  slotMinutes: Number, opens: Number, closes: Number,
}, { timestamps: true }).index({ visible: 1, rating: -1, _id: 1 }));

const appointmentSchema = new mongoose.Schema({
  doctor: { type: mongoose.Types.ObjectId, required: true }, patient: { type: String, required: true },
  start: { type: Date, required: true }, end: { type: Date, required: true },
  status: { type: String, default: "BOOKED" }, reason: String,
  history: [{ status: String, at: Date, by: String }],
}, { timestamps: true }).index({ doctor: 1, start: 1 }, { unique: UNIQUE === "1" }).index({ patient: 1, start: 1 });
const appointments = mongoose.model("Appointment", appointmentSchema);

function signedIn(request, response, next) {
  const [scheme, token] = (request.headers.authorization || "").split(" ");
  try {
    if (scheme !== "Bearer") throw new Error();
    request.user = jwt.verify(token, JWT_SECRET, { algorithms: ["HS256"] });
    next();
  } catch {
    response.status(401).json({ success: false, code: "TOKEN_INVALID" });
  }
}

const app = express();
app.disable("x-powered-by");
app.use(express.json({ limit: "1mb" }));

app.get("/api/v1/doctors", async (request, response) => {
  const limit = Math.min(Number(request.query.limit) || 20, 100);
  const items = await doctors.find({ visible: true }).sort({ rating: -1, _id: 1 }).limit(limit).lean();
  response.json({ success: true, message: "OK", data: { items, nextCursor: null } });
});

app.get("/api/v1/doctors/:id/slots", async (request, response) => {
  const doctor = await doctors.findById(request.params.id).lean();
  if (!doctor) return response.status(404).json({ success: false, code: "DOCTOR_NOT_FOUND" });
  const from = new Date(`${request.query.from}T00:00:00Z`), to = new Date(`${request.query.to}T24:00:00Z`);
  const held = await appointments.find({ doctor: doctor._id, start: { $gte: from, $lt: to }, status: "BOOKED" },
    { start: 1 }).lean();
  const taken = new Set(held.map((one) => one.start.getTime()));
  const items = [], length = doctor.slotMinutes * 60000;
  for (let day = from.getTime(); day < to.getTime(); day += 86400000) {
    for (let at = day + doctor.opens * 60000; at + length <= day + doctor.closes * 60000; at += length) {
      if (!taken.has(at) && at > Date.now()) items.push({ start: new Date(at), end: new Date(at + length) });
    }
  }
  response.json({ success: true, message: "OK", data: { doctorId: doctor._id, items } });
});

app.post("/api/v1/appointments", signedIn, async (request, response) => {
  const { doctorId, start } = request.body || {};
  const at = new Date(start);
  if (!mongoose.isValidObjectId(doctorId) || Number.isNaN(at.getTime())) {
    return response.status(422).json({ success: false, code: "VALIDATION_FAILED" });
  }
  const doctor = await doctors.findById(doctorId).lean();
  if (!doctor) return response.status(404).json({ success: false, code: "DOCTOR_NOT_FOUND" });
  const end = new Date(at.getTime() + doctor.slotMinutes * 60000);
  if (await appointments.exists({ doctor: doctorId, start: at, status: "BOOKED" })
      || await appointments.exists({ patient: request.user.sub, start: at, status: "BOOKED" })) {
    return response.status(409).json({ success: false, code: "SLOT_TAKEN" });
  }
  try {
    const made = await appointments.create({
      doctor: doctorId, patient: request.user.sub, start: at, end,
      history: [{ status: "BOOKED", at: new Date(), by: request.user.sub }],
    });
    response.status(201).json({ success: true, message: "Booked.", data: made });
  } catch (error) {
    if (error.code !== 11000) throw error;
    response.status(409).json({ success: false, code: "SLOT_TAKEN" });
  }
});

app.use((error, request, response, next) => {
  response.status(500).json({ success: false, code: "INTERNAL_ERROR" });
});

async function main() {
  if (cluster.isPrimary) {
    for (let worker = 0; worker < Number(WORKERS); worker += 1) cluster.fork();
    return;
  }
  await mongoose.connect(MONGODB_URI, { w: "majority", journal: true });
  await Promise.all([doctors.init(), appointments.init()]);
  app.listen(Number(PORT), "127.0.0.1");
}

main().catch((error) => { console.error(error); process.exit(1); });
